// What is wrong with how a server was set up, by the step that mends it, and where a message leads: a heading of
// docs/troubleshooting.md, which travels in the package. Invariant: what a client is answered names the step
// alone; tables, columns and roles are in the server's log.

/** With this a message for developers or operators ends: each step, finding of the doctor and problem code has a heading. */
export const seeAbout = (heading: string): string =>
  `See docs/troubleshooting.md#${heading} of the package noclobber.`

/** The step of setting up that is missing or unfinished. */
export type SetupStep = 'migrate' | 'track' | 'grant' | 'changed'

/** Why a server can't serve, as its operator reads it, with the heading that says more: the step's own unless another is named. */
export class SetupError extends Error {
  readonly step: SetupStep
  constructor(step: SetupStep, message: string, heading: string = step) {
    super(`${message} ${seeAbout(heading)}`)
    this.name = 'SetupError'
    this.step = step
  }
}

/** Permission denied; no such schema, table, column or function. */
const GRANT = '42501'
const MISSING = ['3F000', '42P01']
const MISSING_OF_LOG = ['42703', '42883']

/** What a statement of ours fails with where no trigger would stamp what it writes. */
export const UNSTAMPED = 'noclobber: no trigger stamps'

/** A table was made anew, or its triggers are switched off: what is written would have no version. */
export const isUnstamped = (error: unknown): boolean =>
  error instanceof Error && error.message.includes(UNSTAMPED)

/** The step that an error is about; `null` where it is about none. */
export const setupStepOf = (error: unknown): SetupStep | null => {
  if (error instanceof SetupError) return error.step
  if (isUnstamped(error)) return 'track'
  const {
    code = '',
    message = '',
    where = '',
  } = (error ?? {}) as Record<'code' | 'message' | 'where', string | undefined>
  // Code of the app's that a statement ran.
  if (where !== '' && !/\bnoclobber\b/.test(where + message)) return null
  if (code === GRANT) return 'grant'
  if (MISSING_OF_LOG.includes(code)) return /\bnoclobber\./.test(message) ? 'migrate' : null
  return MISSING.includes(code) ? (/\bnoclobber\b/.test(message) ? 'migrate' : 'track') : null
}

const SENTENCES: Record<SetupStep, string> = {
  migrate:
    'This server is not set up: its database has no change log, or an older one. Call migrate(knex) in a migration. The server’s log says more.',
  track:
    'This server is not set up: a declared record type does not fit its table. Call trackTable(knex, table) in a migration, or correct the declaration. The server’s log names the table.',
  changed:
    'A table was altered while this server runs, and its record type does not fit it any more: nothing was saved. Start the server with a declaration that fits, or undo the change. The server’s log names the column.',
  grant: 'This server is not set up: its database role lacks a right. GRANT it; the server’s log says which.',
}

/** What is answered: the step, and where the rest is said. */
export const setupSentence = (step: SetupStep): string => `${SENTENCES[step]} ${seeAbout(step)}`

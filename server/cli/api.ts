// The records' API as commands ask it, and how they print what it refuses. Invariant: every write is guarded as an editor's is, and
// safe to be sent again.
import { randomUUID } from 'node:crypto'
import { seeAbout } from '../base/setup-error.ts'
import {
  DEFAULT_BASE_PATH,
  type FieldError,
  HEADERS,
  PROBLEM_STATUS,
  type Problem,
  type StaleProblem,
  type WireRecord,
} from '../protocol/index.ts'
import { EXIT, type Terminal, text, UnreachableError, UsageError, type Values } from './command.ts'

/** `name=value` is a text, `name:=value` is JSON. */
export const fieldsOf = (assignments: string[]): Record<string, unknown> => {
  const changes: Record<string, unknown> = Object.create(null)
  for (const assignment of assignments) {
    const [, name, colon, value = ''] = /^([^=:]+)(:?)=([\s\S]*)$/.exec(assignment) ?? []
    if (!name) throw new UsageError(`"${assignment}" is no assignment: write field=text or field:=json.`)
    try {
      changes[name] = colon ? JSON.parse(value) : value
    } catch {
      throw new UsageError(`${name}:=${value} is not JSON. For a text write ${name}=${value}.`)
    }
  }
  if (Object.keys(changes).length === 0) throw new UsageError('Say what to set: field=value.')
  return changes
}

interface Answer {
  status: number
  body: { data?: WireRecord; errors?: FieldError[] } & Partial<Problem>
}

/** The answer, if it is one of the records' router: a page of HTML or a bare 404 is not ours. */
const readAnswer = async (base: string, answer: Response): Promise<Answer> => {
  const { status } = answer
  const given = await answer.text()
  const body = asObject(given)
  const isOurs =
    body && (status === 204 || (status < 400 ? 'data' in body : status !== 404 || 'code' in body))
  if (isOurs) return { status, body }
  throw new UnreachableError(
    status >= 500
      ? `${base} can't be reached: what stands before it answered ${status}.`
      : `Something answered ${status} at ${base}, but not the records' router. Give the address where it is mounted, such as ${new URL(base).origin}${DEFAULT_BASE_PATH}.`,
  )
}

const asObject = (text: string): Answer['body'] | null => {
  try {
    const value = JSON.parse(text || '{}')
    return value && typeof value === 'object' ? value : null
  } catch {
    return null
  }
}

/** Where the API is, and who asks. */
export const signedInApi = ({ env }: Pick<Terminal, 'env'>, values: Values) => {
  const base = (text(values, 'url') ?? env.NOCLOBBER_URL)?.replace(/\/$/, '')
  if (!base || !URL.canParse(base))
    throw new UsageError('Say where the API is: --url http://localhost:3000/api/v1 or NOCLOBBER_URL.')
  return { base, token: text(values, 'token') ?? env.NOCLOBBER_TOKEN }
}

/** Asks the API that the options or the environment name. */
export const apiOf = ({ env, signal }: Terminal, values: Values) => {
  const { base, token } = signedInApi({ env }, values)
  return async (method: string, path: string, body?: object): Promise<Answer> => {
    const headers: Record<string, string> = { Accept: 'application/json' }
    if (token) headers.Authorization = `Bearer ${token}`
    if (body) headers['Content-Type'] = 'application/json'
    if (body) headers[HEADERS.idempotencyKey] = randomUUID()
    try {
      const answer = await fetch(base + path, {
        method,
        headers,
        signal,
        ...(body ? { body: JSON.stringify(body) } : {}),
      })
      return await readAnswer(base, answer)
    } catch (error) {
      if (error instanceof UnreachableError) throw error
      const { message, cause } = error as Error
      throw new UnreachableError(
        `${base} can't be reached: ${(cause as Error | undefined)?.message ?? message}`,
      )
    }
  }
}

const printConflict = ({ err }: Terminal, { detail, changed_fields, current }: StaleProblem) => {
  err(`Not saved: ${detail}`)
  err(
    changed_fields
      ? `Changed meanwhile: ${changed_fields.join(', ') || 'nothing that you see'}`
      : 'What changed is not known any more.',
  )
  err(`Now, at version ${current.version}: ${JSON.stringify(current.fields)}`)
  err('Look at it, and run the command again.')
}

const LOOKS_LIKE_JSON = /^(-?\d+(\.\d+)?|true|false|null|[[{][\s\S]*)$/

/** Fields that were refused, sent as texts that would be something else as JSON. */
export const hintsFor = (changes: Record<string, unknown>, { errors = [] }: Answer['body']): string[] =>
  errors.flatMap(({ field }) => {
    const sent = Object.hasOwn(changes, field) ? changes[field] : null
    return typeof sent === 'string' && LOOKS_LIKE_JSON.test(sent)
      ? [`${field}=${sent} sends a text. As JSON: ${field}:=${sent}`]
      : []
  })

/** Prints why nothing was written. */
export const printRefusal = (
  terminal: Terminal,
  values: Values,
  { status, body }: Answer,
  hints: string[] = [],
) => {
  if (values.json) terminal.out(JSON.stringify(body))
  else if (body.code === 'stale_record') printConflict(terminal, body as StaleProblem)
  else terminal.err(`Not saved: ${body.detail ?? `the server answered ${status}.`}`)
  if (!values.json) for (const hint of hints) terminal.err(hint)
  if (!values.json && body.code !== undefined && Object.hasOwn(PROBLEM_STATUS, body.code))
    terminal.err(seeAbout(body.code))
  return status >= 500 || status === 429 ? EXIT.unreachable : EXIT.refused
}

/** The path of a record, or of a type's records. */
export const pathOf = (...parts: string[]): string => `/records/${parts.map(encodeURIComponent).join('/')}`

/** The version to build on: the one that is named, or the record's own now; a refusal where there is none. */
export const versionNow = async (
  ask: ReturnType<typeof apiOf>,
  path: string,
  named: number,
): Promise<number | Answer> => {
  if (named !== 0) return named
  const found = await ask('GET', path)
  return found.status === 200 && found.body.data ? found.body.data.version : found
}

/** The options of commands that ask the API. */
export const API = { url: { type: 'string' }, token: { type: 'string' } } as const

export const API_HELP = [
  '  --url URL        where the API is mounted; default: NOCLOBBER_URL',
  '  --token TOKEN    sent as Authorization: Bearer; default: NOCLOBBER_TOKEN',
]

// The session of each person in the database, as the app's `session` gives it.
// Invariant: what is sent for a person is sent with their own settings, or not at all.
import type { Logger, SessionOf } from '../base/options.ts'
import type { Actor, RecordType } from '../base/record-type.ts'
import type { Settings } from '../db/statement.ts'
import type { RecordCache } from './record-cache.ts'

/** Sessions that are kept; beyond them the one that was used last longest ago goes. */
const MAX_SESSIONS = 5_000

const textOf = (name: string, value: unknown): string => {
  if (value === null || value === undefined) return ''
  if (['string', 'number', 'bigint', 'boolean'].includes(typeof value)) return String(value)
  throw new TypeError(`session: ${name} must be a text, a number, a boolean or null.`)
}

/** @throws what the app's `session` throws, and TypeError where it gives anything but texts by name. */
const settingsOf = (session: SessionOf, actor: Actor): Settings => {
  const given: unknown = session(actor)
  if (given === null || typeof given !== 'object' || 'then' in given)
    throw new TypeError('session must give an object of settings by name.')
  const all: Record<string, unknown> = { ...given }
  const names = Object.keys(all).sort()
  return { names, values: names.map((name) => textOf(name, all[name])) }
}

/** A policy may hide any record at any time: no permission holds for all of them, so none is given without a look. */
export const lookingAtRecords = (type: RecordType): RecordType => ({
  ...type,
  can: (actor, action, record, parent) => {
    void record.id
    return type.can(actor, action, record, parent)
  },
})

/** Keeps nothing: whether a person sees a record is the policy's to say, each time. */
export const NO_CACHE: RecordCache = {
  of: () => () => undefined,
  get: () => undefined,
  seen: () => undefined,
  mark: () => () => true,
  clear: () => {},
  put: () => {},
}

/**
 * One of something for each session: equal settings have the same.
 *
 * @param make `null`: the app's `session` failed for this person, which is logged.
 */
export const createSessions = <Own>(
  session: SessionOf,
  log: Logger,
  make: (settings: Settings | null, error?: unknown) => Own,
): ((actor: Actor) => Own) => {
  const bySettings = new Map<string, Own>()
  return (actor) => {
    let settings: Settings
    try {
      settings = settingsOf(session, actor)
    } catch (error) {
      log.error(
        { err: error },
        'The option `session` failed for a person: nothing is read or written for them.',
      )
      return make(null, error)
    }
    const key = JSON.stringify(settings)
    const own = bySettings.get(key) ?? make(settings)
    bySettings.delete(key)
    bySettings.set(key, own)
    if (bySettings.size > MAX_SESSIONS) bySettings.delete(bySettings.keys().next().value as string)
    return own
  }
}

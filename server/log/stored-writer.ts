// Who wrote, as it is shown: whatever a database holds, made into what the wire promises.
// Invariant: the one place where a stored writer is read. It keeps what `noclobber.normalized_writer` keeps, so rows of the
// log that are older than it, or that somebody else put there, can't break a page or an event.
import { LONGEST, NOT_IN_NAMES } from '../../migrations/functions/writer-setting.ts'
import type { Writer, WriterKind } from '../protocol/index.ts'

const UNKEPT = new RegExp(NOT_IN_NAMES.replace('\\u0001', '\\u0000'), 'g')
const KINDS = new Set<unknown>(['user', 'import', 'service', 'database', 'agent'] satisfies WriterKind[])

const withoutSpaces = (text: string) => {
  let from = 0
  let end = text.length
  while (text[from] === ' ') from += 1
  while (end > from && text[end - 1] === ' ') end -= 1
  return text.slice(from, end)
}

const plainText = (value: unknown, longest: number): string | null => {
  if (typeof value !== 'string' && typeof value !== 'number') return null
  const text = withoutSpaces(String(value).toWellFormed().replace(UNKEPT, ''))
  const kept = text.length <= longest ? text : withoutSpaces([...text].slice(0, longest).join(''))
  return kept === '' ? null : kept
}

const normalizedPerson = (claim: unknown): { id: string; name: string } | null => {
  if (typeof claim !== 'object' || claim === null) return null
  const { id, name } = claim as Record<string, unknown>
  const shownId = plainText(id, LONGEST.id) ?? plainText(name, LONGEST.id)
  const shownName = plainText(name, LONGEST.name) ?? plainText(id, LONGEST.name)
  return shownId === null || shownName === null ? null : { id: shownId, name: shownName }
}

/**
 * The writer in a stored value; `null` where it names nobody. Its keys are in the order of jsonb, so a first response and its
 * stored copy are the same text.
 */
export const normalizedWriter = (claim: unknown): Writer | null => {
  const person = normalizedPerson(claim)
  if (!person) return null
  const { id, name } = person
  const { kind, on_behalf_of } = claim as Record<string, unknown>
  if (!KINDS.has(kind)) return { id, kind: 'service', name }
  const principal = kind === 'agent' ? normalizedPerson(on_behalf_of) : null
  return { id, kind: kind as WriterKind, name, ...(principal && { on_behalf_of: principal }) }
}

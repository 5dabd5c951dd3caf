// Normalizes incoming messages to the shapes that the client is written for. Invariant: whatever a server, a proxy or
// SQL by hand puts into a message, the page shows it or leaves it out; no odd value throws later.

import type { WireRecord, Writer, WriterKind } from '../../../server/protocol/index.ts'
import { DECEPTIVE_CHARACTERS, MAX_NAME_CHARS } from '../../../server/protocol/index.ts'

type Found = Record<string, unknown>

export const isFound = (value: unknown): value is Found =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** One line of text, without characters that would reorder the text around it. */
export const plainText = (text: string): string => text.replace(DECEPTIVE_CHARACTERS, '')

export const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : typeof value === 'number' ? String(value) : ''

const nameOf = (value: unknown): string => {
  const name = textOf(value)
  return plainText(name.length > MAX_NAME_CHARS ? `${[...name].slice(0, MAX_NAME_CHARS).join('')}…` : name)
}

const KINDS: Record<WriterKind, true> = {
  user: true,
  import: true,
  service: true,
  database: true,
  agent: true,
}

/** The writer, or `null` where unknown. An unknown kind counts as `service`. */
export function writerOf(value: unknown): Writer | null {
  if (!isFound(value)) {
    const name = nameOf(value)
    return name === '' ? null : { id: '', name, kind: 'service' }
  }
  const id = textOf(value.id)
  const name = nameOf(value.name) || nameOf(id)
  const isKnown = typeof value.kind === 'string' && Object.hasOwn(KINDS, value.kind)
  if (name === '') return null
  const kind = isKnown ? (value.kind as WriterKind) : 'service'
  const behalf = kind === 'agent' ? writerOf(value.on_behalf_of) : null
  return { id, name, kind, ...(behalf && { on_behalf_of: { id: behalf.id, name: behalf.name } }) }
}

const namesOf = (value: unknown): string[] | null =>
  Array.isArray(value) ? value.filter((name): name is string => typeof name === 'string') : null

/** Normalizes a message in place: a record, an event of one, an answer for a watched record, or a problem. */
export function normalize(message: unknown): unknown {
  if (!isFound(message)) return message
  if ('updated_by' in message) message.updated_by = writerOf(message.updated_by)
  if ('updated_by_name' in message) message.updated_by_name = nameOf(message.updated_by_name) || null
  if ('updated_at' in message && typeof message.updated_at !== 'string') message.updated_at = ''
  if ('changed_fields' in message) message.changed_fields = namesOf(message.changed_fields)
  if ('fields' in message && !isFound(message.fields) && 'version' in message) message.fields = {}
  if (isFound(message.fields)) for (const value of Object.values(message.fields)) freeze(value)
  if ('detail' in message) message.detail = textOf(message.detail)
  if (Array.isArray(message.errors)) message.errors = message.errors.flatMap(fieldErrorOf)
  if (isFound(message.current)) normalize(message.current)
  return message
}

/** What a record holds is nobody's to change in place: the attempt throws where it is made. */
function freeze(value: unknown): void {
  if (typeof value !== 'object' || value === null) return
  Object.freeze(value)
  for (const part of Object.values(value)) freeze(part)
}

const fieldErrorOf = (error: unknown): Found[] =>
  isFound(error)
    ? [
        {
          ...error,
          field: textOf(error.field),
          message: [error.message, error.hint].map(textOf).filter(Boolean).join(' '),
        },
      ]
    : []

/** A whole answer: what it is itself, its `data`, and the records of a bulk edit. */
export function answerOf(body: unknown): unknown {
  if (!isFound(body)) return body
  normalize(body)
  for (const part of [body.data, body.records])
    for (const each of Array.isArray(part) ? part : [part]) normalize(each)
  return body
}

/** It can be shown and saved: it has an address and a version. */
export const isRecord = (value: unknown): value is WireRecord =>
  isFound(value) && typeof value.id === 'string' && typeof value.version === 'number' && isFound(value.fields)

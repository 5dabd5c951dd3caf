// What the panel's pages show, as data: a head, a time, and pairs below it. Pure, so that it can be tried without a page.

import type { RecordTransition } from '../client/record/store-options.ts'
import type { Entry } from './journal.ts'

/** One line of a page of the panel. */
export interface Row {
  head: string
  detail: string
  /** Milliseconds since 1970; `null` for none. */
  at: number | null
  isBad?: boolean
  pairs?: [name: string, value: string][]
  /** The record that a button of this row is about. */
  record?: { type: string; id: string }
}

const versionOf = (record: { version: number } | null | undefined) =>
  record ? `version ${record.version}` : '–'

/** A record that is not on the server yet has an id of this device, which begins with a character that nobody sees. */
const nameOf = ({ type, id }: { type: string; id: string }) => `${type} ${id.replace('\0', 'new ')}`

const names = (fields: object) => Object.keys(fields).join(', ') || '–'

/** Shown, newest, base, draft and queue of an open record, and the event that led there. */
export function recordRow({ type, id, event, state }: RecordTransition): Row {
  const { record, latest, newer, draft, writing, unanswered, next, kept, conflict, held, trouble } = state
  const queue = [
    ...(writing ? [`${writing.kind} in flight (${writing.mutationId})`] : []),
    ...(unanswered ? [`${unanswered.kind} without an answer (${unanswered.mutationId})`] : []),
    ...(next ? [`${next.kind} waits`] : []),
    ...(held.length > 0 ? [`${held.length} versions held`] : []),
  ]
  return {
    head: nameOf({ type, id }),
    detail: `${state.status}, after ${event}`,
    at: null,
    isBad: conflict !== null || trouble !== null,
    record: { type, id },
    pairs: [
      ['shown', versionOf(record)],
      ['newest', newer ? versionOf(newer) : versionOf(latest ?? record)],
      ['base', versionOf(conflict ? { version: conflict.client_version } : record)],
      ['draft', JSON.stringify(draft)],
      ['queue', queue.join('; ') || '–'],
      ...(kept ? [['kept', `${names(kept.fields)} (${kept.why})`] as [string, string]] : []),
      ...(conflict ? [['conflict', `${conflict.detail ?? conflict.code}`] as [string, string]] : []),
      ...(trouble ? [['trouble', trouble.kind] as [string, string]] : []),
    ],
  }
}

const eventRow = ({ at, received }: Extract<Entry, { kind: 'event' }>): Row => {
  const payload = 'event' in received.event ? received.event.event : {}
  const about =
    'id' in payload && 'type' in payload
      ? `${payload.type} ${payload.id}${'version' in payload ? ` version ${payload.version}` : ''}`
      : 'type' in payload
        ? String(payload.type)
        : ''
  const delay = received.delayMs === null ? '' : `, ${Math.max(0, Math.round(received.delayMs))} ms`
  return {
    head: received.event.name,
    detail: `${about}${received.isOwnTab ? ' (own tab, ignored)' : ''} · ${received.sizeBytes} B${delay}`,
    at,
  }
}

const requestRow = ({ at, request }: Extract<Entry, { kind: 'request' }>): Row => ({
  head: `${request.method} ${request.status === 0 ? 'no answer' : request.status}`,
  detail: `${request.path} · ${request.ms} ms${request.code ? ` · ${request.code}` : ''}${request.mutationId ? ` · mutation ${request.mutationId}` : ''}`,
  at,
  isBad: request.status === 0 || request.status >= 400,
})

const stepRow = ({ at, step }: Extract<Entry, { kind: 'step' }>): Row => ({
  head: step.event,
  detail: `${nameOf(step)} is ${step.state.status}, ${versionOf(step.state.record)}`,
  at,
})

export function entryRow(entry: Entry): Row {
  if (entry.kind === 'event') return eventRow(entry)
  return entry.kind === 'request' ? requestRow(entry) : stepRow(entry)
}

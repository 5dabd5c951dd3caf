// A bulk edit that waits for the server: as data, and sent part by part. Invariant: a part has one id and the same rows for
// each of its tries; a row that somebody else has changed meanwhile becomes an unsent save of its record, on the version
// that the person saw.

import type { Fields, RecordAddress, WireRecord } from '../../../server/protocol/index.ts'
import { isSame, pick } from '../base/values.ts'
import type { BulkRecord } from '../http/outcomes.ts'
import type { DraftClient } from '../record/draft-persistence.ts'
import type { UnsentEdits } from '../record/state.ts'

/** The server takes so many records at once. */
const PART = 500

/** One record of a bulk edit. */
export interface QueuedRow {
  /** The record's. */
  id: string
  /** The version that it was shown at. */
  clientVersion: number
  /** What the bulk edit replaces. */
  before: Fields
  /** As of `client.saveMany`; a `stale_record` is an unsent save of its own from then on. Missing: not answered yet. */
  outcome?: BulkRecord['outcome']
  /** Where it was saved. */
  version?: number
}

/** The same changes to many records. */
export interface QueuedBulk {
  /** The record type's name. */
  type: string
  /** New values by field. */
  changes: Fields
  /** Each record, with what became of it. */
  rows: readonly QueuedRow[]
  /** How many parts were answered. */
  parts: number
}

/** What `offline.saveMany` takes of a record: as a list has it. */
export type RowToSave = Pick<WireRecord<object>, 'id' | 'version' | 'fields'>

export const bulkOf = (type: string, changes: Fields, records: readonly RowToSave[]): QueuedBulk => ({
  type,
  changes,
  parts: 0,
  rows: records.map(({ id, version, fields }) => ({
    id,
    clientVersion: version,
    before: pick(fields as Fields, (field) => field in changes),
  })),
})

/** Neither saved nor an unsent save of its own. */
export const isLeft = ({ outcome }: QueuedRow): boolean =>
  outcome !== undefined && outcome !== 'saved' && outcome !== 'stale_record'

/** Of rows that were saved as the next version of what was edited: that which they had. */
export const nextVersions = ({ rows }: QueuedBulk): Map<string, number> =>
  new Map(
    rows.flatMap(({ id, clientVersion, version }) =>
      version === clientVersion + 1 ? [[id, clientVersion] as const] : [],
    ),
  )

/** Once more, for the rows that are left. */
export const againOf = (bulk: QueuedBulk): QueuedBulk => ({
  ...bulk,
  rows: bulk.rows.map((row) => {
    const { outcome: _outcome, version: _version, ...asked } = row
    return isLeft(row) ? asked : row
  }),
})

interface PartOptions {
  client: Pick<DraftClient, 'saveMany'>
  /** Of the whole bulk edit. */
  key: string
}

/** What a part was answered; a refusal of the whole as its problem. */
export type PartAnswer =
  | { kind: 'answered'; bulk: QueuedBulk; stale: readonly { address: RecordAddress; edits: UnsentEdits }[] }
  | { kind: 'unreachable' | 'signed_out' }
  | { kind: 'refused'; status: number; detail: string }

export async function sendPart({ client, key }: PartOptions, bulk: QueuedBulk): Promise<PartAnswer> {
  const { type, changes, rows, parts } = bulk
  const asked = rows.filter(({ outcome }) => outcome === undefined).slice(0, PART)
  const answer = await client.saveMany(type, {
    changes,
    onRefused: 'skip',
    mutationId: `${key}:${parts}`,
    records: asked.map(({ id, clientVersion }) => ({ id, clientVersion })),
  })
  switch (answer.outcome) {
    case 'unreachable':
      return { kind: 'unreachable' }
    case 'unauthenticated':
      return { kind: 'signed_out' }
    case 'invalid':
      return {
        kind: 'refused',
        status: 422,
        detail: answer.errors.map(({ field, message }) => `${field}: ${message}`)[0] ?? '',
      }
    case 'not_found':
      return { kind: 'refused', status: 404, detail: '' }
    case 'saved':
    case 'aborted':
      break
    default:
      return { kind: 'refused', status: answer.problem.status, detail: answer.problem.detail }
  }
  const answers = new Map(answer.records.map((record) => [record.id, record]))
  const stale = asked.flatMap((row, index) => {
    const one = answers.get(row.id)
    if (one?.outcome !== 'stale_record') return []
    return {
      address: { type, id: row.id },
      edits: ownSave(bulk, row, one.current, `${key}:${parts}.${index}`),
    }
  })
  const answered = rows.map((row): QueuedRow => {
    if (!asked.includes(row)) return row
    const { outcome = 'not_found', version } = answers.get(row.id) ?? {}
    return { ...row, outcome, ...(version !== undefined && { version }) }
  })
  return { kind: 'answered', bulk: { ...bulk, rows: answered, parts: parts + 1 }, stale }
}

/** The row's share of the bulk edit, on the version that was edited: it is refused, merged or reviewed as any save. */
function ownSave(
  { type, changes }: QueuedBulk,
  { id, clientVersion, before }: QueuedRow,
  current: WireRecord | undefined,
  mutationId: string,
): UnsentEdits {
  const unseen: WireRecord = { type, id, version: 0, updated_at: '', updated_by: null, fields: {} }
  const now = current ?? unseen
  const base = { ...now, version: clientVersion, fields: { ...now.fields, ...before } }
  return {
    base,
    kept: null,
    next: null,
    draft: pick(changes, (field, value) => !isSame(value, before[field])),
    unanswered: { kind: 'save', mutationId, clientVersion, changes },
  }
}

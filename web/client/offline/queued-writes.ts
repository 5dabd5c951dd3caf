// Creations, deletions and bulk edits that an app asks for without an editor, and that may wait for the server. A creation and
// a deletion are the unsent edits of their record, a bulk edit is a request: what sends and shows those, sends and shows these.

import type { Fields, RecordAddress, WireRecord } from '../../../server/protocol/index.ts'
import { plainFields } from '../base/plain-value.ts'
import { randomId } from '../base/random-id.ts'
import { isEmpty } from '../base/values.ts'
import { isNewRecord } from '../http/new-record.ts'
import type { DraftClient } from '../record/draft-persistence.ts'
import { beyond, removalOf } from '../record/edit-transitions.ts'
import type { Mutation, UnsentEdits } from '../record/state.ts'
import { isAsked, type UnsentEntry, type UnsentTrouble } from './draft-storage.ts'
import type { EditKeeping } from './draft-sync.ts'
import { localIdOf } from './local-ids.ts'
import { bulkOf, type QueuedRow, type RowToSave } from './queued-bulk.ts'
import type { RequestQueue } from './request-queue.ts'

/** It has no answer yet, or was refused: it stays in {@link UnsentState} until it is saved or discarded. */
export interface QueuedWrite {
  outcome: 'queued'
  /** It outlives the page. */
  isKept: boolean
  /** `null`: it waits, and is sent by itself. */
  trouble: UnsentTrouble | null
}

/** What `offline.create` answers. `unauthenticated`: nobody is named, and nothing is kept. */
export type QueuedCreateOutcome<F extends object = Fields> =
  | { outcome: 'created'; record: WireRecord<F> }
  /** Others may name it by the `id` of this record: that is replaced by the real one. */
  | (QueuedWrite & { record: WireRecord<F> })
  | { outcome: 'unauthenticated' }

/** What `offline.remove` answers. `in_use`: it is open here with other edits, so nothing was asked for. */
export type QueuedRemoveOutcome =
  | { outcome: 'removed' }
  | QueuedWrite
  | { outcome: 'in_use' }
  | { outcome: 'unauthenticated' }

/** What `offline.saveMany` answers: what became of each row, as of `client.saveMany`. */
export type QueuedSaveManyOutcome =
  | { outcome: 'saved'; records: readonly QueuedRow[] }
  | { outcome: 'refused'; status: number; detail: string }
  | { outcome: 'queued'; key: string; isKept: boolean }
  | { outcome: 'unauthenticated' }

/** What `offline.create` takes beside the fields. */
export interface QueuedCreateOptions {
  /** The key that it will have, where the type's key may be chosen. Without it the database makes one. */
  id?: string
}

/** Writes that may wait. */
export interface QueuedWrites {
  /**
   * Creates a record, now or when the server can be reached, once. Its fields may name other new ones by their ids: it is sent after
   * them, with the ids that they have got.
   *
   * @example
   * const task = await offline.create('task', { title: 'Rivets', project_id: id })
   * if (task.outcome !== 'unauthenticated') await offline.create('step', { task_id: task.record.id, text: 'Count them' })
   */
  create<F extends object = Fields>(
    type: string,
    fields: Partial<F>,
    options?: QueuedCreateOptions,
  ): Promise<QueuedCreateOutcome<F>>
  /** Deletes the record as it is shown, now or when the server can be reached; of a new one what is unsent, and itself if it was sent. */
  remove(record: WireRecord<object>): Promise<QueuedRemoveOutcome>
  /**
   * The same changes to these rows, each guarded by its version, now or when the server can be reached. A row that others have
   * changed meanwhile becomes an unsent save of its record. `label` is what people call it.
   *
   * @throws DOMException `QuotaExceededError`: 500 requests wait already.
   */
  saveMany(
    type: string,
    options: { changes: Fields; records: readonly RowToSave[]; label: string },
  ): Promise<QueuedSaveManyOutcome>
}

interface QueuedWritesOptions {
  now: () => { client: DraftClient; keeping: EditKeeping; requests: RequestQueue } | null
  openAs: (address: RecordAddress) => string
  /** Of a record as it was before it was created: the version that it was created in. */
  versionOf: (record: Pick<WireRecord, 'id' | 'version'>) => number
  send: () => void
}

export function createQueuedWrites({ now, openAs, versionOf, send }: QueuedWritesOptions) {
  /** Those of a first try, by record: called with the created one, or without when the try has ended. */
  const tries = new Map<string, (record: WireRecord | null) => void>()
  const keyOf = ({ type, id }: RecordAddress) => JSON.stringify([type, id])

  const tried = (address: RecordAddress) =>
    new Promise<WireRecord | null>((resolve) => {
      end(keyOf(address), null)
      tries.set(keyOf(address), resolve)
      send()
    })

  const writes: QueuedWrites = {
    async create<F extends object>(type: string, fields: Partial<F>, options: QueuedCreateOptions = {}) {
      const parts = now()
      if (!parts || parts.keeping.person() === null) return { outcome: 'unauthenticated' }
      const { client, keeping } = parts
      const changes = plainFields(fields as Fields)
      const address = { type, id: localIdOf(randomId(), options.id) }
      const base: WireRecord = { ...address, version: 0, updated_at: '', updated_by: null, fields: {} }
      const mutationId = randomId()
      client.bringBack(address, asked(base, { kind: 'save', mutationId, clientVersion: 0, changes }, changes))
      const isKept = await keeping.isKept(address)
      const record = await tried(address)
      if (record) return { outcome: 'created', record: record as WireRecord<F> }
      const shown = { ...base, id: options.id ?? address.id, fields: changes } as WireRecord
      const trouble = keeping.find(address)?.trouble ?? null
      return { outcome: 'queued', isKept, trouble, record: shown as WireRecord<F> }
    },
    async remove(record) {
      const parts = now()
      if (!parts || parts.keeping.person() === null) return { outcome: 'unauthenticated' }
      const { client, keeping } = parts
      const { type } = record
      const version = versionOf(record)
      const address = { type, id: openAs(record) }
      if (isNewRecord(address.id)) {
        if (!keeping.find(address)) await client.resume(address)
        if (!keeping.find(address)) return { outcome: 'in_use' }
        client.remove(address)
        if (!keeping.find(address)) return { outcome: 'removed' }
      } else {
        const left = await keeping.orphans().catch(() => [])
        if (left.some((one) => isAsked(one) && one.type === type && one.id === address.id))
          await client.recall(address)
        const waiting = keeping.find(address)
        if (waiting?.trouble && waiting.edits.unanswered?.kind === 'remove') client.discard(waiting)
        const removal = removalOf(randomId(), version)
        if (waiting && isSaveOf(waiting, version)) client.remove(address)
        else client.bringBack(address, asked({ ...(record as WireRecord), ...address, version }, removal, {}))
        const { unanswered, next } = keeping.find(address)?.edits ?? {}
        if (unanswered?.kind !== 'remove' && next?.kind !== 'remove') return { outcome: 'in_use' }
      }
      // A page that was closed meanwhile keeps nothing more.
      const isKept = (await keeping.isKept(address)) && now()?.keeping === keeping
      await tried(address)
      const left = keeping.find(address) ?? keeping.find({ type, id: openAs(address) })
      return left ? { outcome: 'queued', isKept, trouble: left.trouble } : { outcome: 'removed' }
    },
    async saveMany(type, { changes, records, label }) {
      const parts = now()
      const key = randomId()
      const bulk = bulkOf(type, plainFields(changes), records)
      const request = { key, label, url: '', method: 'PATCH', headers: {}, body: null, bulk }
      const answer = (await parts?.requests.add(request, send)) ?? null
      if (!answer || answer.status === 401) return { outcome: 'unauthenticated' }
      const { status } = answer
      const body = await answer.json()
      if (status === 202) return { outcome: 'queued', key, isKept: body.queued.isKept }
      return status === 200
        ? { outcome: 'saved', records: body.data }
        : { outcome: 'refused', status, detail: body.detail }
    },
  }

  return {
    writes,
    /** A new record was created here. */
    created: (address: RecordAddress, record: WireRecord) => end(keyOf(address), record),
    /** All that could be sent was sent. */
    endTries() {
      for (const key of [...tries.keys()]) end(key, null)
    },
  }

  function end(key: string, record: WireRecord | null) {
    tries.get(key)?.(record)
    tries.delete(key)
  }
}

/** All that is unsent of the record is a save of this version: a removal of that is one of what the save makes. */
const isSaveOf = ({ edits: { draft, unanswered } }: UnsentEntry, version: number) =>
  unanswered?.kind === 'save' &&
  unanswered.clientVersion === version &&
  isEmpty(beyond(draft, unanswered.changes))

const asked = (base: WireRecord, unanswered: Mutation, draft: Fields): UnsentEdits => ({
  base,
  draft,
  unanswered,
  kept: null,
  next: null,
})

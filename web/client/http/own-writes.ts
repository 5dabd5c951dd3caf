// The writes of this tab. Their events are not sent back to it, so lists and editors receive them here, from the answers,
// and stay current without a request.

import type { Fields, RecordAddress, WireRecord, Writer } from '../../../server/protocol/index.ts'
import type { Stop } from '../base/clock.ts'
import { createListeners } from '../base/store.ts'
import type { ClientSaveOptions, Requests } from './requests.ts'

/** An answered write of this tab. `many`: a bulk edit, whose records have to be fetched. */
export type OwnWrite =
  | { kind: 'created' | 'saved'; record: WireRecord }
  | ({ kind: 'removed' } & RecordAddress)
  | { kind: 'many'; type: string }

/** A write that was sent. A retry of it is the same mutation, under the same id. */
export interface Mutation {
  /** What is asked for. */
  kind: 'save' | 'remove' | 'propose'
  /** A uuid: what is sent again under it is done once. */
  mutationId: string
  /** The version that it was built on. */
  clientVersion: number
  /** New values by field; empty for a removal. */
  changes: Fields
  /** The others' changes that its values were merged with here. */
  merged?: MergedWith | null
  /** Of a save: the version whose values these are. */
  restores?: number
  /** Of a proposal: why. */
  note?: string
}

/** What others changed that a save was merged with. */
export interface MergedWith {
  fields: readonly string[]
  /** Who wrote the newest of it. */
  by: Writer | null
  /** It is one version. */
  isOne: boolean
}

/** An answered save of this tab. */
export interface OwnSave {
  version: number
  /** In this machine's milliseconds. */
  at: number
  changes: Fields
}

export interface OwnWrites {
  /** The same requests; each write that succeeds is reported. */
  requests: Requests
  onOwnWrite(listener: (write: OwnWrite) => void): Stop
  /** A write that the app has sent by itself. */
  notifyOwnWrite(write: OwnWrite): void
}

export function observeOwnWrites(requests: Requests): OwnWrites {
  const listeners = createListeners<[OwnWrite]>()
  const observed: Requests = {
    ...requests,
    undoMany: (type, saved) => requests.undoMany.call(observed, type, saved),
    async create<F extends object = Fields>(
      type: string,
      fields: Partial<F>,
      options?: Parameters<Requests['create']>[2],
    ) {
      const outcome = await requests.create<F>(type, fields, options)
      if (outcome.outcome === 'created')
        listeners.notify({ kind: 'created', record: outcome.record as WireRecord })
      return outcome
    },
    async save<F extends object = Fields>(type: string, id: string, options: ClientSaveOptions) {
      const outcome = await requests.save<F>(type, id, options)
      if (outcome.outcome === 'saved')
        listeners.notify({ kind: 'saved', record: outcome.record as WireRecord })
      return outcome
    },
    async remove(type, id, options) {
      const outcome = await requests.remove(type, id, options)
      if (outcome.outcome === 'removed') listeners.notify({ kind: 'removed', type, id })
      return outcome
    },
    async saveMany(type, options) {
      const outcome = await requests.saveMany(type, options)
      if (outcome.outcome === 'saved') listeners.notify({ kind: 'many', type })
      return outcome
    },
  }
  return { requests: observed, onOwnWrite: listeners.add, notifyOwnWrite: listeners.notify }
}

// What this tab writes itself. Its events are not sent back to it, so whoever shows records is told here, from the
// answers: lists keep up with their own page without a request.

import type { RecordAddress, WireRecord } from '../../../server/protocol/index.ts'
import type { Stop } from '../base/clock.ts'
import { createListeners } from '../base/store.ts'
import type { Requests } from './requests.ts'

/** A write of this tab that was answered. `many`: a bulk edit, whose records have to be asked for. */
export type OwnWrite =
  | { kind: 'created' | 'saved'; record: WireRecord }
  | ({ kind: 'removed' } & RecordAddress)
  | { kind: 'many'; type: string }

export interface OwnWrites {
  /** The same requests; every write that succeeds is told of. */
  requests: Requests
  onOwnWrite(listener: (write: OwnWrite) => void): Stop
}

export function observeOwnWrites(requests: Requests): OwnWrites {
  const listeners = createListeners<[OwnWrite]>()
  const observed: Requests = {
    ...requests,
    async create(type, fields, options) {
      const outcome = await requests.create(type, fields, options)
      if (outcome.outcome === 'created')
        listeners.notify({ kind: 'created', record: outcome.record as unknown as WireRecord })
      return outcome as never
    },
    async save(type, id, options) {
      const outcome = await requests.save(type, id, options)
      if (outcome.outcome === 'saved')
        listeners.notify({ kind: 'saved', record: outcome.record as unknown as WireRecord })
      return outcome as never
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
  return { requests: observed, onOwnWrite: listeners.add }
}

// The open records of this tab: one store for each, whoever asks, until nobody needs it.

import type { RecordAddress, WireRecord } from '../../../server/protocol/index.ts'
import { recordKey } from '../transport/subscriptions.ts'
import { createRecordStore, type OwnedRecordStore, type RecordStoreOptions } from './store.ts'

export function createOpenRecords(options: Omit<RecordStoreOptions, 'address' | 'onIdle'>) {
  const stores = new Map<string, OwnedRecordStore>()
  return {
    of(address: RecordAddress): OwnedRecordStore {
      const key = recordKey(address)
      const existing = stores.get(key)
      if (existing) return existing
      const store = createRecordStore({ ...options, address, onIdle: () => void stores.delete(key) })
      stores.set(key, store)
      return store
    },
    /** Only if it is open already. */
    find: (address: RecordAddress) => stores.get(recordKey(address)),
    /** A save past the editor is still this tab's: its event is ignored, so the editor is handed its answer. */
    showOwn<F extends object>(record: WireRecord<F>) {
      const whole = record as unknown as WireRecord
      const at = options.localTime(record.updated_at)
      stores.get(recordKey(record))?.happen({ kind: 'loaded', record: whole, at, isOwn: true })
    },
    showOwnRemoval(address: RecordAddress, version: number) {
      const removal = { version, changedFields: null, by: null, isOwn: true, deleted: true }
      stores.get(recordKey(address))?.hear({ ...removal, at: options.clock.now() })
    },
    discard(address: RecordAddress): boolean {
      const store = stores.get(recordKey(address))
      store?.happen({ kind: 'discarded' })
      return store !== undefined
    },
    /** The page is visible again. */
    hurry() {
      for (const store of stores.values()) store.hurry()
    },
    /** Somebody signed in again. */
    reopen() {
      for (const store of stores.values()) if (store.isMounted()) store.happen({ kind: 'opened' })
    },
    close() {
      for (const store of stores.values()) store.close()
      stores.clear()
    },
  }
}

// The open records of this tab: one store for each, whoever asks, until nobody needs it.

import type { RecordAddress, WireRecord } from '../../../server/protocol/index.ts'
import { recordKey } from '../transport/subscriptions.ts'
import type { UnsentEdits } from './state.ts'
import { createRecordStore } from './store.ts'
import type { OwnedRecordStore, RecordStoreOptions } from './store-options.ts'

type OpenRecordsOptions = Omit<RecordStoreOptions, 'address' | 'onIdle' | 'onMounted' | 'setAside'>

export function createOpenRecords(options: OpenRecordsOptions) {
  const stores = new Map<string, OwnedRecordStore>()
  /** Edits of people who are not here now, by person and record. */
  const aside = new Map<string | null, Map<string, UnsentEdits[]>>()

  function setAside(owner: string | null, key: string, edits: UnsentEdits) {
    const ofOwner = aside.get(owner) ?? new Map<string, UnsentEdits[]>()
    aside.set(owner, ofOwner)
    ofOwner.set(key, [...(ofOwner.get(key) ?? []), edits])
  }

  /** Their own edits come back to whoever is here again. */
  function bringBack(owner: string | null, key: string, store: OwnedRecordStore) {
    const ofOwner = aside.get(owner)
    const left = ofOwner?.get(key) ?? []
    ofOwner?.delete(key)
    for (const edits of left) store.dispatch({ kind: 'recalled', edits })
  }

  return {
    of(address: RecordAddress): OwnedRecordStore {
      const owner = options.personId()
      const key = recordKey(address)
      const existing = stores.get(key)
      if (existing) return existing
      const store = createRecordStore({
        ...options,
        address,
        setAside: (whose, edits) => setAside(whose, key, edits),
        onMounted: () => stores.has(key) || stores.set(key, store),
        onIdle: () => stores.get(key) === store && stores.delete(key),
      })
      stores.set(key, store)
      bringBack(owner, key, store)
      return store
    },
    /** Somebody else is here: every record is as if it had never been opened. */
    leave(owner: string | null) {
      for (const [key, store] of [...stores]) {
        const edits = store.leave()
        if (edits) setAside(owner, key, edits)
      }
    },
    /** It is known who is here. What is of nobody known goes back only where no server says who it is. */
    known(owner: string | null) {
      if (owner !== null) aside.delete(null)
      for (const [key, store] of stores) bringBack(owner, key, store)
    },
    /** Only if it is open already. */
    find: (address: RecordAddress) => stores.get(recordKey(address)),
    /** A save past the editor is still this tab's: its event is ignored, so the editor is handed its answer. */
    showOwn<F extends object>(record: WireRecord<F>) {
      const whole = record as unknown as WireRecord
      const at = options.localTime(record.updated_at)
      stores.get(recordKey(record))?.dispatch({ kind: 'loaded', record: whole, at, isOwn: true })
    },
    showOwnRemoval(address: RecordAddress, version: number) {
      const removal = { version, changedFields: null, by: null, isOwn: true, deleted: true }
      stores.get(recordKey(address))?.receive({ ...removal, at: options.clock.now() })
    },
    discard(address: RecordAddress): boolean {
      const store = stores.get(recordKey(address))
      store?.dispatch({ kind: 'discarded' })
      return store !== undefined
    },
    /** The page is visible again. */
    loadWaiting() {
      for (const store of stores.values()) store.loadWaiting()
    },
    /** Somebody signed in again. */
    reopen() {
      for (const store of stores.values()) if (store.isMounted()) store.open()
    },
    close() {
      for (const store of stores.values()) store.close()
      stores.clear()
    },
  }
}

// The open records of this tab, one store for each. Invariant: a store is kept only while it has a listener or unsaved
// edits; one that nobody has subscribed to lives only as long as its caller holds it, and there are never two at work for
// one record: a part of a page that comes back with a store of before works with the one that is open by then.

import type { Fields, RecordAddress, WireRecord } from '../../../server/protocol/index.ts'
import { createObjectCache } from '../base/object-cache.ts'
import { isNewRecord, type NewRecordOptions, newRecordId, newRecordRequests } from '../http/new-record.ts'
import { createNotedWrites } from '../lost/noted-writes.ts'
import type { NotedWritesOptions } from '../lost/types.ts'
import { recordKey } from '../transport/subscriptions.ts'
import type { UnsentEdits } from './state.ts'
import { createRecordStore } from './store.ts'
import type { OwnedRecordStore, RecordStore, RecordStoreOptions } from './store-options.ts'

type OpenRecordsOptions = Omit<
  RecordStoreOptions,
  'address' | 'onIdle' | 'onUsed' | 'setAside' | 'requests'
> & {
  requests: RecordStoreOptions['requests'] & NotedWritesOptions['requests']
}

export function createOpenRecords(options: OpenRecordsOptions) {
  const stores = createObjectCache<OwnedRecordStore>()
  /** Edits of earlier persons, by person and record. */
  const aside = new Map<string | null, Map<string, UnsentEdits[]>>()
  const noted = createNotedWrites({
    ...options,
    savedInEditor: (address) =>
      Object.assign({}, ...(records.find(address)?.get().ownSaves ?? []).map(({ changes }) => changes)),
  })

  function setAside(owner: string | null, key: string, edits: UnsentEdits) {
    const ofOwner = aside.get(owner) ?? new Map<string, UnsentEdits[]>()
    aside.set(owner, ofOwner)
    ofOwner.set(key, [...(ofOwner.get(key) ?? []), edits])
  }

  /** Edits come back when their owner is back. */
  function restoreEdits(owner: string | null, key: string, store: OwnedRecordStore) {
    const ofOwner = aside.get(owner)
    const left = ofOwner?.get(key) ?? []
    ofOwner?.delete(key)
    for (const edits of left) store.dispatch({ kind: 'recalled', edits })
  }

  /** What was created is a record like any other from then on, with what was typed meanwhile; the next new one is blank. */
  function withCreated(own: OwnedRecordStore): OwnedRecordStore {
    own.onSaved((record) => {
      const { draft, kept, next } = own.get()
      options.persistence?.created?.({ type: own.type, id: own.id }, record)
      own.reset()
      const created = records.of(record)
      created.dispatch({
        kind: 'loaded',
        record,
        isOwn: true,
        isCreated: true,
        at: options.localTime(record.updated_at),
      })
      const nothing = { base: null, draft: {}, unanswered: null, next: null }
      if (kept) created.dispatch({ kind: 'recalled', edits: { ...nothing, kept } })
      for (const [field, value] of Object.entries(draft)) created.change(field, value)
      if (next) void created[next.kind === 'remove' ? 'remove' : 'save']()
    })
    return {
      ...own,
      async save() {
        const { writing, unanswered } = own.get()
        const isSecond = writing !== null || unanswered !== null
        const outcome = await own.save()
        if (!isSecond || outcome?.outcome !== 'saved') return outcome
        return (await records.of(outcome.record).save()) ?? outcome
      },
      async remove() {
        const { writing, unanswered } = own.get()
        if (writing || unanswered) return own.remove()
        own.discard()
        return null
      },
    }
  }

  const records = {
    /** `initial`: of the form of a new record, what it shows at first. */
    of(address: RecordAddress, initial?: Fields): OwnedRecordStore {
      const owner = options.personId()
      const key = recordKey(address)
      const existing = stores.find(key)
      if (existing) return existing
      const isNew = isNewRecord(address.id)
      const own = createRecordStore({
        ...options,
        ...(isNew && {
          requests: newRecordRequests(options.requests, initial ?? {}, async () =>
            initial ? null : ((await options.persistence?.elsewhere?.(address)) ?? null),
          ),
        }),
        address,
        setAside: (whose, edits) => setAside(whose, key, edits),
        onUsed: () => stores.keep(key, store),
        onIdle: () => stores.drop(key, store),
        isReplaced: () => (stores.find(key) ?? store) !== store,
      })
      const store = stores.handleOf(key, isNew ? withCreated(own) : own)
      stores.add(key, store)
      restoreEdits(owner, key, store)
      return store
    },
    editor<F extends object>(type: string, given: string | null, unmade: NewRecordOptions<F> = {}) {
      // An app in JavaScript may have a number.
      const id = `${given}`
      const store =
        given === null
          ? records.of({ type, id: newRecordId(unmade) }, (unmade.initial ?? {}) as Fields)
          : records.of({ type, id: options.persistence?.openAs?.({ type, id }) ?? id })
      return store as RecordStore<F>
    },
    /** The person changes: every record is as if it had never been opened. */
    leave(owner: string | null) {
      noted.leave()
      for (const [key, store] of stores.entries()) {
        const edits = store.leave()
        if (edits) setAside(owner, key, edits)
      }
    },
    /** The person is known now. Edits of an unknown person go back only where no server names the person. */
    known(owner: string | null) {
      if (owner !== null) aside.delete(null)
      for (const [key, store] of stores.entries()) restoreEdits(owner, key, store)
    },
    /** Only if it is open already. */
    find: (address: RecordAddress) => stores.find(recordKey(address)),
    /** A save that bypassed the editor is this tab's too: its event is ignored, so the editor receives its answer. */
    showOwn(record: WireRecord, changes?: Fields) {
      const { type, id, version } = record
      const at = options.localTime(record.updated_at)
      if (changes) noted.note({ what: 'save', type, id, version, at, changes })
      stores.find(recordKey(record))?.dispatch({ kind: 'loaded', record, at, isOwn: true })
    },
    showOwnRemoval(address: RecordAddress, version: number) {
      const removal = { version, changedFields: null, by: null, isOwn: true, deleted: true }
      stores.find(recordKey(address))?.receive({ ...removal, at: options.clock.now() })
    },
    discard(address: RecordAddress): boolean {
      const store = stores.find(recordKey(address))
      store?.dispatch({ kind: 'discarded' })
      return store !== undefined
    },
    /** `isFirst`: none was known before, so only what this page wrote is in doubt. */
    historyChanged(isFirst: boolean) {
      for (const [, store] of stores.entries())
        if (!isFirst || store.get().ownSaves.length > 0) store.historyChanged()
      void noted.findLost((save) => {
        if (save.what === 'save') records.of(save).dispatch({ kind: 'saves_lost', saves: [save] })
        else if (save.what === 'creation') records.find(save)?.dispatch({ kind: 'creation_lost', save })
      })
    },
    /** What the client offers of them, and writes that are noted for it. */
    lost: {
      ...noted.requests,
      lostSaves: noted.lost,
      dismissLost: noted.dismiss,
      restoreLost: noted.restore,
    },
    /** The page is visible again. */
    loadWaiting() {
      for (const [, store] of stores.entries()) store.loadWaiting()
    },
    /** After a sign-in. */
    reopen() {
      for (const [, store] of stores.entries()) if (store.isMounted()) store.open()
    },
    close() {
      noted.close()
      for (const [key, store] of stores.entries()) {
        store.close()
        stores.drop(key, store)
      }
    },
  }
  return records
}

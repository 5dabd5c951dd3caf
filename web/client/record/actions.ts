// What a user does to an open record, each as an event of its state.

import type { Fields, RecordAddress } from '../../../server/protocol/index.ts'
import { plainFields, plainValue } from '../base/plain-value.ts'
import type { Readable } from '../base/store.ts'
import { isEmpty } from '../base/values.ts'
import type { ClientRemoveOutcome, ClientSaveOutcome } from '../http/outcomes.ts'
import type { createPendingWrites } from './pending-writes.ts'
import type { createRecreation } from './recreate.ts'
import type * as Reducer from './reducer.ts'
import type { RecordState, RecordStateEvent } from './state.ts'
import type { RecordStore, RecordStoreOptions } from './store-options.ts'

interface RecordActionsOptions extends Pick<RecordStoreOptions, 'requests' | 'newId'> {
  address: RecordAddress
  state: Readable<RecordState>
  writes: Pick<ReturnType<typeof createPendingWrites>, 'ask'>
  /** Resolves with the rest of the record's code. */
  whenReady: () => Promise<typeof Reducer>
  dispatch: (stateEvent: RecordStateEvent) => void
}

type RecordActions = Omit<
  RecordStore,
  keyof Readable<RecordState> | keyof RecordAddress | 'asOf' | 'values' | 'unread' | 'onSaved'
>

export function createRecordActions(options: RecordActionsOptions): RecordActions {
  const { newId, state, writes, dispatch, whenReady } = options
  const save = () =>
    writes.ask({ kind: 'save_asked', mutationId: newId() }) as Promise<ClientSaveOutcome<Fields> | null>

  /** Does more than a save does; `again` sends a decision between both sides as a proposal too. */
  const asking = {
    ...options,
    stateNow: state.get,
    ask: writes.ask,
    again: null as (() => Promise<unknown>) | null,
  }

  let recreation: ReturnType<typeof createRecreation> | null = null
  async function recreate<F extends object>() {
    const { createRecreation } = await whenReady()
    recreation ??= createRecreation(options)
    return recreation<F>()
  }

  return {
    change: (field, value) => dispatch({ kind: 'typed', field, value: plainValue(field, value) }),
    save() {
      asking.again = null
      return save()
    },
    propose: async (note) => (await whenReady()).propose(asking, note),
    restoreVersion: async (version, fields) => (await whenReady()).restoreVersion(asking, version, fields),
    undo: () =>
      writes.ask({ kind: 'undo_asked', mutationId: newId() }) as Promise<ClientSaveOutcome<Fields> | null>,
    remove: () =>
      writes.ask({ kind: 'remove_asked', mutationId: newId() }) as Promise<ClientRemoveOutcome | null>,
    reload: () => dispatch({ kind: 'reload_asked' }),
    restore: (fields) => dispatch({ kind: 'restore_asked', ...(fields ? { fields } : {}) }),
    merge: () => dispatch({ kind: 'merge_asked' }),
    review: () => dispatch({ kind: 'review_asked' }),
    async resolve({ version, theirs, edited }) {
      const decided = { version, theirs, edited: plainFields(edited), mutationId: newId() }
      if (asking.again) {
        dispatch({ kind: 'resolved', ...decided, mutationId: null })
        await asking.again()
        return null
      }
      return writes.ask({ kind: 'resolved', ...decided }) as Promise<ClientSaveOutcome<Fields> | null>
    },
    recreate,
    revert: () => dispatch({ kind: 'revert_asked' }),
    discard: () => dispatch({ kind: 'revert_asked', isDiscard: true }),
    dismiss: () => dispatch({ kind: 'dismissed' }),
    show: () => dispatch({ kind: 'show_asked' }),
    closeConflict: () => dispatch({ kind: 'conflict_closed' }),
    retry() {
      if (isEmpty(state.get().draft)) dispatch({ kind: 'opened' })
      else void save()
    },
  }
}

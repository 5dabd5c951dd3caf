// Which record an editor edits: the one that it was opened for, or the one that its new record has become.

import { useCallback, useState } from 'react'
import type { RecordAddress } from '../../../server/protocol/index.ts'
import { isNewRecord, type NewRecordOptions, newRecordId } from '../../client/http/new-record.ts'
import type { RecordStore } from '../../client/record/store.ts'
import type { RecordClient } from '../../client/record-client-options.ts'

interface Created<F extends object> {
  /** The new record that it was; `null` once the page itself has opened the created one. */
  from: string | null
  owner: object
  store: RecordStore<F>
}

interface StoreOf<F extends object> {
  store: RecordStore<F>
  /** The same from before the creation to after it: what stands in the inputs is its. */
  owner: object
  /** The new record is this one from now on. */
  follow: (created: RecordAddress) => void
}

export function useStoreOf<F extends object>(
  client: RecordClient,
  type: string,
  id: string | null,
  options: NewRecordOptions<F>,
): StoreOf<F> {
  const [created, setCreated] = useState<Created<F> | null>(null)
  const isUnmade = id === null || isNewRecord(id)
  const key = isUnmade ? `${type} ${id ?? newRecordId(options)}` : null
  const isOpened = created !== null && id === created.store.id && type === created.store.type
  const isFollowed = created !== null && (isOpened || (key !== null && created.from === key))
  if (created && key === null && (created.from !== null || !isOpened))
    setCreated(isOpened ? { ...created, from: null } : null)
  const store = isFollowed ? created.store : client.editor<F>(type, id, options)
  const owner = isFollowed ? created.owner : store
  const follow = useCallback(
    (record: RecordAddress) =>
      setCreated({ from: key, owner, store: client.editor<F>(record.type, record.id) }),
    [client, key, owner],
  )
  return { store, owner, follow }
}

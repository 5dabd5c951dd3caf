// What nobody subscribed to is not kept: a server that renders thousands of records with one client stays small.

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createRecordClient } from 'noclobber/client'
import { expect, test } from 'vitest'
import { atEnd } from '../../support/at-end.ts'
import { waitFor } from '../../support/wait-for.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

test('stores of records, lists and people that were only read are collected', async () => {
  const client = createRecordClient({ transports: [], url: 'http://127.0.0.1:9/api/v1' })
  atEnd(client.close)
  const read = (id: string) => {
    const stores = [
      client.editor('project', id),
      client.liveList('task', { where: { project_id: id } }),
      client.presence.people({ type: 'project', id }),
      client.presence.takeOver.at({ type: 'project', id }),
    ]
    return stores.map((store) => {
      store.get()
      return new WeakRef<object>(store)
    })
  }
  const refs = Array.from({ length: 500 }, (_, id) => read(String(id))).flat()
  await waitFor(
    () => {
      collect()
      return refs.every((ref) => ref.deref() === undefined)
    },
    { what: 'the collection' },
  )
})

test('one that is subscribed to stays the same, however often it is asked for', () => {
  const client = createRecordClient({ transports: [], url: 'http://127.0.0.1:9/api/v1' })
  atEnd(client.close)
  const stops = [
    client.editor('project', '1').subscribe(() => {}),
    client.liveList('task').subscribe(() => {}),
    client.presence.people({ type: 'project', id: '1' }).subscribe(() => {}),
  ]
  const ask = () => [
    client.editor('project', '1'),
    client.liveList('task'),
    client.presence.people({ type: 'project', id: '1' }),
  ]
  const before = ask().map((store) => new WeakRef<object>(store))
  collect()
  expect(ask().map((store, at) => store === before[at]?.deref())).toEqual([true, true, true])
  for (const stop of stops) stop()
})

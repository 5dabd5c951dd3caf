// What this tab keeps of records and lists that were only mentioned: nothing.

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { createKeyedStores } from '../../../../web/client/base/keyed-stores.ts'
import { createObjectCache } from '../../../../web/client/base/object-cache.ts'
import { createWritable } from '../../../../web/client/base/store.ts'
import { waitFor } from '../../../support/wait-for.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

test('an object that nobody holds is forgotten, a kept one is not', async () => {
  const cache = createObjectCache<object>()
  const held = {}
  cache.add('held', held)
  cache.add('mentioned', {})
  cache.keep('kept', {})
  await waitFor(
    () => {
      collect()
      return cache.find('mentioned') === undefined
    },
    { what: 'the collection' },
  )
  expect(cache.entries().map(([key]) => key)).toEqual(['held', 'kept'])
  expect(cache.find('held')).toBe(held)
})

test('a released object can be found while somebody holds it, a dropped one can not', () => {
  const cache = createObjectCache<object>()
  const one = {}
  cache.keep('one', one)
  cache.release('one', one)
  expect([...cache.kept()]).toEqual([])
  expect(cache.find('one')).toBe(one)
  cache.drop('one', one)
  expect(cache.find('one')).toBeUndefined()
})

test('a store keeps its value for those who come later, and its listeners', async () => {
  const stores = createKeyedStores(createWritable, '', (text) => text === '')
  const seen: string[] = []
  const stop = stores.of('watched').subscribe(() => void seen.push(stores.get('watched')))
  stores.set('later', 'Bob')
  collect()
  await Promise.resolve()
  collect()
  expect(stores.of('later').get()).toBe('Bob')
  stores.set('watched', 'Alice')
  stores.set('watched', '')
  stop()
  stores.set('watched', 'Carol')
  expect(seen).toEqual(['Alice', ''])
})

test('values that nobody watches are kept up to a limit, the newest ones', () => {
  const stores = createKeyedStores(createWritable, '', (text) => text === '')
  const stop = stores.of('0').subscribe(() => {})
  for (let key = 0; key < 1_100; key += 1) stores.set(String(key), 'here')
  expect([stores.get('0'), stores.get('1'), stores.get('1099')]).toEqual(['here', '', 'here'])
  stop()
})

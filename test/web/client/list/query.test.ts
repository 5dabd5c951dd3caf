// What a live list asks the server for, and which lists are one.
import { expect, test } from 'vitest'
import { recordsKey, wantedOf } from '../../../../web/client/list/query.ts'

test('a scope is one parent’s records: it filters what is fetched, too', () => {
  expect(wantedOf({ scope: { project_id: '1' }, sort: 'title' })).toEqual({
    where: { project_id: '1' },
    sort: 'title',
  })
  expect(wantedOf({ scope: { project_id: '1' }, where: { done: 'false', project_id: '2' } })).toEqual({
    where: { done: 'false', project_id: '1' },
  })
  expect(wantedOf({ search: ' ' })).toEqual({})
})

test('the same records make the same list, whether the scope is said once or twice', () => {
  const scope = { project_id: '1' }
  expect(recordsKey('task', { scope })).toBe(recordsKey('task', { scope, where: scope }))
  expect(recordsKey('task', { scope })).not.toBe(recordsKey('task', { where: scope }))
  expect(recordsKey('task', { scope })).not.toBe(recordsKey('task', { scope: { project_id: '2' } }))
})

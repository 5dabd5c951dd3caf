// Lists and their deltas over HTTP: a list with its deltas laid over it equals a fresh one, and nobody
// learns of a record that they may not read.
import fc from 'fast-check'
import { defineRecordType, pruneLog } from 'noclobber/server'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { type Person, startApp, TYPES } from '../../support/app.ts'

const searchable = defineRecordType<Person>('project', {
  table: 'projects',
  fields: {
    name: z.string(),
    status: z.string().default('planned'),
    budget: z.number().nullable().optional(),
  },
  search: ['name', 'status'],
  can: ({ role }, action) => role === 'editor' || (role === 'viewer' && action === 'read'),
})
const types = [searchable, ...TYPES.filter(({ name }) => name !== 'project')]
const app = await startApp({ types })
const { call, make, sql } = app

const list = async (type: string, query = '', as = 'alice') => {
  const { status, body } = await call('GET', `/records/${type}?${query}`, { as })
  expect(status).toBe(200)
  return body
}
const idsOf = ({ data }: { data: { id: string }[] }) => data.map(({ id }) => id).sort()
const save = async (type: string, id: string, changes: object, as = 'alice') => {
  const { body } = await call('GET', `/records/${type}/${id}`, { as })
  const sent = { client_version: body.data.version, changes }
  expect((await call('PATCH', `/records/${type}/${id}`, { as, body: sent })).status).toBe(200)
}
const remove = (type: string, id: string) => sql(`delete from ${type}s where id = ?`, [id])

describe('a delta', () => {
  test('holds what changed and matches, and names what changed and does not', async () => {
    const scope = 'project_id=1'
    const [stays, leaves, dies, untouched] = await Promise.all(
      ['stays', 'leaves', 'dies', 'untouched'].map((title) => make('task', { project_id: 1, title })),
    )
    const comes = await make('task', { project_id: 2, title: 'comes' })
    const { cursor } = await list('task', scope)
    await save('task', stays.id, { done: true })
    await save('task', leaves.id, { project_id: 2 })
    await save('task', comes.id, { project_id: 1 })
    await remove('task', dies.id)
    const born = await make('task', { project_id: 1, title: 'born' })
    await make('project', { name: 'of another type' })
    await make('task', { project_id: 1, title: 'of another tenant' }, 'gina')
    const delta = await list('task', `${scope}&cursor=${cursor}`)
    expect(idsOf(delta)).toEqual([stays.id, comes.id, born.id].sort())
    expect(delta.data.find(({ id }: { id: string }) => id === stays.id)).toMatchObject({
      version: 2,
      fields: { done: true },
    })
    expect(delta.removed.sort()).toEqual([leaves.id, dies.id].sort())
    expect(delta).toMatchObject({ more: false })
    expect(delta.reset).toBeUndefined()
    expect(idsOf(delta)).not.toContain(untouched.id)
    expect(await list('task', `${scope}&cursor=${delta.cursor}`)).toMatchObject({ data: [], removed: [] })
  })

  test('comes in parts where it is long, each change once', async () => {
    const { cursor } = await list('task', 'project_id=3')
    const made: string[] = []
    for (let n = 0; n < 7; n += 1) made.push((await make('task', { project_id: 3, title: `t${n}` })).id)
    const seen: string[] = []
    let at = cursor
    let parts = 0
    for (let more = true; more; parts += 1) {
      const delta = await list('task', `project_id=3&limit=2&cursor=${at}`)
      seen.push(...idsOf(delta))
      at = delta.cursor
      more = delta.more
    }
    expect([seen.sort(), parts]).toEqual([made.sort(), 4])
  })

  test('of a cursor from elsewhere is the list anew; of no cursor a refusal', async () => {
    const other = await startApp()
    const foreign = (await other.call('GET', '/records/task')).body.cursor
    const task = await make('task', { project_id: 4, title: 'here' })
    const anew = await list('task', `project_id=4&cursor=${foreign}`)
    expect(anew).toMatchObject({ reset: true, next: null, data: [{ id: task.id }] })
    expect((await list('task', `project_id=4&cursor=${anew.cursor}`)).reset).toBeUndefined()
    for (const query of ['cursor=x', 'cursor=', `cursor=${anew.cursor}&after=${anew.next}`])
      expect((await call('GET', `/records/task?${query}`)).status).toBe(400)
  })

  test('of a cursor whose changes were pruned is the list anew, and a watcher learns that it is behind', async () => {
    const own = await startApp()
    const { cursor } = (await own.call('GET', '/records/task?project_id=1')).body
    const task = await own.make('task', { project_id: 1, title: 'pruned' })
    await own.sql("update noclobber.record_changes set updated_at = updated_at - interval '1 hour'")
    await pruneLog(own.knex, { retentionMs: 60_000 })
    const { body } = await own.call('GET', `/records/task?project_id=1&cursor=${cursor}`)
    expect(body).toMatchObject({ reset: true, data: [{ id: task.id }] })
    const watcher = await own.socket()
    const behind = async (at: string) => {
      const asked = { lists: [{ type: 'task', scope: { project_id: '1' }, cursor: at }] }
      return (await watcher.ask('watch', asked)).lists[0].behind
    }
    expect([await behind(cursor), await behind(body.cursor)]).toEqual([true, false])
  })
})

describe('where permission depends on the record', () => {
  test('what may not be read is in no answer: not by its id, not by a count, not by a position', async () => {
    const { cursor } = await list('note', 'sort=body')
    const mine = await make('note', { owner: 'alice', body: 'b' })
    const hidden = [
      await make('note', { owner: 'bob', body: 'a' }, 'bob'),
      await make('note', { owner: 'bob', body: 'c' }, 'bob'),
    ]
    await sql('delete from notes where id = ?', [hidden[0].id])
    const first = await list('note', 'sort=body&limit=1')
    expect([idsOf(first), first.next, first.recheck]).toEqual([[mine.id], null, true])
    const delta = await list('note', `cursor=${cursor}`)
    expect(delta).toMatchObject({ removed: [], more: false, recheck: true })
    expect(idsOf(delta)).toEqual([mine.id])
    for (const { id } of hidden) expect(JSON.stringify([first, delta])).not.toContain(id)
  })

  test('a page is filled with what may be read, however much lies between', async () => {
    const marks = Array.from({ length: 12 }, (_, n) => `p${String(n).padStart(2, '0')}`)
    for (const body of marks)
      await make(
        'note',
        { owner: body === 'p00' || body === 'p11' ? 'alice' : 'bob', body },
        body === 'p00' || body === 'p11' ? 'alice' : 'bob',
      )
    const bodies: string[] = []
    let after = ''
    do {
      const page = await list('note', `sort=body&limit=1${after}`)
      bodies.push(...page.data.map(({ fields }: { fields: { body: string } }) => fields.body))
      expect(page.data.length).toBe(1)
      after = page.next === null ? '' : `&after=${page.next}`
    } while (after !== '')
    expect(bodies.filter((body) => body.startsWith('p'))).toEqual(['p00', 'p11'])
  })

  test('a record that could be read when it was deleted is named; one that was given away is found by its id', async () => {
    const [dies, goes] = [
      await make('note', { owner: 'alice', body: 'dies' }),
      await make('note', { owner: 'alice', body: 'goes' }),
    ]
    const { cursor } = await list('note')
    await sql('delete from notes where id = ?', [dies.id])
    await sql("update notes set owner = 'bob' where id = ?", [goes.id])
    const delta = await list('note', `cursor=${cursor}`)
    expect([delta.data, delta.removed, delta.recheck]).toEqual([[], [dies.id], true])
    const held = [{ type: 'note', id: goes.id, version: 1 }]
    const { body } = await call('POST', '/records/versions', { body: { records: held } })
    expect(body.data).toMatchObject([{ id: goes.id, version: null, deleted: false }])
  })

  test('anyone who watches it is always behind: that something changed is not revealed either', async () => {
    const watcher = await app.socket()
    const behind = async (type: string) => {
      const { cursor } = await list(type)
      return (await watcher.ask('watch', { lists: [{ type, cursor }] })).lists[0].behind
    }
    expect([await behind('note'), await behind('task')]).toEqual([true, false])
  })

  test('nobody who may read nothing learns anything, and who may read all is spared the recheck', async () => {
    const { cursor } = await list('task', '', 'nobody')
    await make('task', { project_id: 5, title: 'unseen' })
    expect(await list('task', `cursor=${cursor}`, 'nobody')).toMatchObject({ data: [], removed: [] })
    expect((await list('task')).recheck).toBeUndefined()
  })
})

describe('a search', () => {
  test('finds each word in any of the declared fields, whatever its case', async () => {
    const bridge = await make('project', { name: 'Harbour 100% bridge_', status: 'active' })
    const tunnel = await make('project', { name: 'Harbour tunnel', status: 'done' })
    const found = async (search: string) =>
      idsOf(await list('project', `search=${encodeURIComponent(search)}`))
    expect(await found('harbour')).toEqual([bridge.id, tunnel.id].sort())
    expect(await found('ACTIVE  harb')).toEqual([bridge.id])
    expect(await found('100% bridge_')).toEqual([bridge.id])
    expect(await found('1_0%')).toEqual([])
    expect(await found("'; drop table projects; --")).toEqual([])
    const { cursor } = await list('project', 'search=harbour')
    await save('project', tunnel.id, { name: 'Ferry' })
    expect(await list('project', `search=harbour&cursor=${cursor}`)).toMatchObject({ removed: [tunnel.id] })
  })

  test('is refused where none is declared, and where it is too long', async () => {
    for (const path of [
      'task?search=x',
      `project?search=${'x'.repeat(201)}`,
      `project?search=${'x+'.repeat(11)}`,
    ])
      expect((await call('GET', `/records/${path}`)).status).toBe(400)
  })
})

describe('count=exact', () => {
  test('is the number of records in the list, whatever its page, also with a delta', async () => {
    const made = []
    for (const title of ['a', 'b', 'c']) made.push(await make('task', { project_id: 60, title }))
    await make('task', { project_id: 60, title: 'of another tenant' }, 'gina')
    const scope = 'project_id=60&count=exact'
    const first = await list('task', `${scope}&limit=1`)
    expect([first.count, first.data.length]).toEqual([3, 1])
    expect((await list('task', `${scope}&after=${first.next}&limit=1`)).count).toBe(3)
    expect((await list('task', `${scope}&filter[or][0][title]=a&filter[or][1][title]=c`)).count).toBe(2)
    await remove('task', made[0].id)
    const delta = await list('task', `${scope}&cursor=${first.cursor}`)
    expect([delta.count, delta.removed]).toEqual([2, [made[0].id]])
    expect('count' in (await list('task', 'project_id=60'))).toBe(false)
    expect((await list('project', 'count=exact&search=nowhere')).count).toBe(0)
  })

  test('counts nothing for those who may read nothing; any other count is refused', async () => {
    expect(await list('task', 'count=exact', 'nobody')).toMatchObject({ data: [], count: 0 })
    for (const query of ['count=', 'count=some', 'count=exact&count=exact'])
      expect((await call('GET', `/records/task?${query}`)).status).toBe(400)
  })
})

const RUNS = Number(process.env.NOCLOBBER_RUNS ?? 60)

test('deltas laid over a list agree with a fresh one, whatever happened between', async () => {
  const title = fc.constantFrom('a', 'b', 'c')
  const step = fc.oneof(
    fc.record({ kind: fc.constant('make'), title, project: fc.integer({ min: 70, max: 71 }) }),
    fc.record({ kind: fc.constant('move'), which: fc.nat(20), project: fc.integer({ min: 70, max: 71 }) }),
    fc.record({ kind: fc.constant('rename'), which: fc.nat(20), title }),
    fc.record({ kind: fc.constant('delete'), which: fc.nat(20) }),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(step, { maxLength: 4 }), { maxLength: 4 }), async (batches) => {
      const query = 'project_id=70&limit=1000'
      const begun = await list('task', query)
      const held = new Map(begun.data.map((record: { id: string }) => [record.id, record]))
      let { cursor } = begun
      for (const batch of batches) {
        for (const act of batch) {
          const [row] = await sql(
            'select id from tasks where project_id in (70, 71) order by id offset ? limit 1',
            ['which' in act ? act.which : 0],
          )
          if (act.kind === 'make')
            await sql("insert into tasks (tenant_id, project_id, title) values ('acme', ?, ?)", [
              act.project,
              act.title,
            ])
          else if (!row) continue
          else if (act.kind === 'move')
            await sql('update tasks set project_id = ? where id = ?', [act.project, row.id])
          else if (act.kind === 'rename')
            await sql('update tasks set title = ? where id = ?', [act.title, row.id])
          else await sql('delete from tasks where id = ?', [row.id])
        }
        const delta = await list('task', `${query}&cursor=${cursor}`)
        for (const record of delta.data) held.set(record.id, record)
        for (const id of delta.removed) held.delete(id)
        cursor = delta.cursor
        const fresh = await list('task', query)
        expect([...held.values()].sort(byId)).toEqual(fresh.data.sort(byId))
      }
    }),
    { numRuns: RUNS },
  )
}, 600_000)

const byId = (a: unknown, b: unknown) => Number((a as { id: string }).id) - Number((b as { id: string }).id)

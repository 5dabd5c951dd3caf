// Thirty people save one version at once. Contention is made, not hoped for: a lock on the row holds all of them back
// until the database says that each one waits, then lets them go.
import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { type Person, startApp, type TestApp } from '../../support/app.ts'
import { atEnd } from '../../support/at-end.ts'
import { byRun } from '../../support/short-run.ts'
import { waitFor } from '../../support/wait-for.ts'

const WRITERS = 30
const rounds = Number(process.env.NOCLOBBER_ROUNDS ?? byRun({ short: 10, full: 100 }))

// All write as one person, who has no smaller share of the node than they are.
const limits = { shortPerPerson: WRITERS }
const app = await startApp({ pool: { min: WRITERS, max: WRITERS }, limits })
const { call, make, sql } = app
// All of the pool's connections are open before the first round.
const opened = await Promise.all(Array.from({ length: WRITERS }, () => app.knex.client.acquireConnection()))
for (const connection of opened) await app.knex.client.releaseConnection(connection)

/** A connection besides the app's pool. */
const outsider = async (options = '') => {
  const client = new pg.Client({ connectionString: app.database.url, options })
  await client.connect()
  atEnd(() => client.end())
  return client
}
const holder = await outsider()
const observer = await outsider()

/** How many statements wait for a lock. */
const waiting = async () => {
  const { rows } = await observer.query(
    `select count(*)::int as count from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
  )
  return rows[0].count as number
}

const untilWaiting = (count: number) =>
  waitFor(async () => (await waiting()) === count, { what: `${count} writers to wait`, deadlineMs: 15_000 })

/** Holds the row until `arrive` has brought everybody before it. */
const behindLock = async <T>(id: string, arrive: () => Promise<T>): Promise<T> => {
  await holder.query('begin')
  await holder.query('select from projects where id = $1 for update', [id])
  try {
    return await arrive()
  } finally {
    await holder.query('commit')
  }
}

/** `by` is another text for each writer: the same values from two of them would be no conflict. */
type Write = (id: string, version: number, budget: number, by: string) => Promise<'won' | 'stale'>

const guarded: Write = async (id, client_version, budget, by) => {
  const answer = await call('PATCH', `/records/project/${id}`, {
    body: { client_version, changes: { budget, notes: by } },
  })
  if (answer.status === 200) return 'won'
  expect([answer.status, answer.body.code]).toEqual([409, 'stale_record'])
  expect(answer.body).toMatchObject({ client_version, current_version: client_version + 1 })
  return 'stale'
}

/** What the product must never become. */
const readCompareWrite: Write = async (id, version, budget) => {
  const [row] = await sql('select version::int as version from projects where id = ?', [id])
  if (row.version !== version) return 'stale'
  await sql('update projects set budget = ? where id = ?', [budget, id])
  return 'won'
}

/** Everybody loads the same version, adds 1, and saves at once, round after round. */
const race = async (write: Write, count: number) => {
  const { id } = await make('project', { name: 'raced', budget: 0 })
  const tally = { won: 0, stale: 0, contended: 0 }
  for (let round = 0; round < count; round += 1) {
    const { version, fields } = (await call('GET', `/records/project/${id}`)).body.data
    const start = () =>
      Array.from({ length: WRITERS }, (_, n) => write(id, version, fields.budget + 1, `${round} ${n}`))
    const writes = await behindLock(id, async () => {
      const begun = start()
      await untilWaiting(WRITERS)
      tally.contended += 1
      return begun
    })
    for (const outcome of await Promise.all(writes)) tally[outcome] += 1
  }
  const { version, fields } = (await call('GET', `/records/project/${id}`)).body.data
  const logged = await sql(
    'select version::int as version from noclobber.changes where table_name = ? and record_id = ? order by 1',
    ['public.projects', id],
  )
  const gaps = logged.filter((row, at) => row.version !== at + 1).length + Math.abs(logged.length - version)
  return { ...tally, version, lost: tally.won - fields.budget, gaps }
}

describe('thirty saves of one version', () => {
  test(`have one winner in each of ${rounds} rounds, and lose nothing`, async () => {
    expect(await race(guarded, rounds)).toEqual({
      won: rounds,
      stale: rounds * (WRITERS - 1),
      contended: rounds,
      version: rounds + 1,
      lost: 0,
      gaps: 0,
    })
  }, 600_000)

  test('by reading, comparing and then writing are caught by the same race', async () => {
    expect((await race(readCompareWrite, 2)).lost).toBe(2 * (WRITERS - 1))
  })

  test('have one winner without a lock before them too', { tags: 'full' }, async () => {
    const { id } = await make('project', { name: 'free' })
    for (let version = 1; version <= 20; version += 1) {
      const outcomes = await Promise.all(
        Array.from({ length: WRITERS }, (_, n) => guarded(id, version, version, `${version} ${n}`)),
      )
      expect(outcomes.filter((outcome) => outcome === 'won')).toHaveLength(1)
    }
  })

  test('have one winner on a database of stricter isolation, and no failure', async () => {
    const url = new URL(app.database.url)
    url.searchParams.set('options', '-c default_transaction_isolation=repeatable\\ read')
    const strict = await startApp({
      database: app.database,
      databaseUrl: url.href,
      pool: { min: 10, max: 10 },
      limits,
    })
    const { id } = await make('project', { name: 'strict' })
    const writes = await behindLock(id, async () => {
      const begun = Array.from({ length: 10 }, (_, at) =>
        strict.call('PATCH', `/records/project/${id}`, {
          body: { client_version: 1, changes: { budget: at } },
        }),
      )
      await untilWaiting(10)
      return begun
    })
    const statuses = (await Promise.all(writes)).map(({ status }) => status)
    expect(statuses.sort()).toEqual([200, ...Array(9).fill(409)])
    await strict.stop()
  })
})

describe('a save and a deletion at once', () => {
  const both = async (first: 'save' | 'delete') => {
    const { id } = await make('project', { name: 'contended' })
    const path = `/records/project/${id}`
    const save = () =>
      call('PATCH', path, { as: 'bob', body: { client_version: 1, changes: { name: 'kept' } } })
    const remove = () => call('DELETE', path, { body: { client_version: 1 } })
    const sent = await behindLock(id, async () => {
      const one = first === 'save' ? save() : remove()
      await untilWaiting(1)
      const two = first === 'save' ? remove() : save()
      await untilWaiting(2)
      return [one, two]
    })
    const statuses = (await Promise.all(sent)).map(({ status }) => status)
    const { status, body } = await call('GET', path)
    const history = await call('GET', `${path}/history`)
    return { statuses, status, body, events: history.body.data.map(({ event }: { event: string }) => event) }
  }

  test('leave the record deleted where the deletion came first', async () => {
    const { statuses, status, body, events } = await both('delete')
    expect([statuses, status, body.version]).toEqual([[204, 410], 410, 2])
    expect(events).toEqual(['deleted', 'created'])
  })

  test('leave it saved where the save came first', async () => {
    const { statuses, status, body, events } = await both('save')
    expect([statuses, status, body.data.version]).toEqual([[200, 409], 200, 2])
    expect(events).toEqual(['updated', 'created'])
  })
})

test('a save that waits for a move to another tenant writes nothing there', async () => {
  const { id } = await make('project', { name: 'moving' })
  await holder.query('begin')
  await holder.query(`update projects set tenant_id = 'globex' where id = $1`, [id])
  const saving = guardedAnswer(id)
  await untilWaiting(1)
  await holder.query('commit')
  expect((await saving).status).toBe(410)
  expect((await call('GET', `/records/project/${id}`, { as: 'gina' })).body.data).toMatchObject({
    version: 2,
    fields: { name: 'moving' },
  })
})
const guardedAnswer = (id: string) =>
  call('PATCH', `/records/project/${id}`, { body: { client_version: 1, changes: { name: 'mine' } } })

test('a record that is created while its deletion is under way goes on counting', async () => {
  await call('POST', '/records/tag', { body: { id: 'again', fields: { label: 'old' } } })
  await sql(`update tags set label = 'older' where id = 'again'`)
  await holder.query('begin')
  await holder.query(`delete from tags where id = 'again'`)
  const creating = call('POST', '/records/tag', { body: { id: 'again', fields: { label: 'new' } } })
  await untilWaiting(1)
  await holder.query('commit')
  expect((await creating).body.data).toMatchObject({ version: 4, fields: { label: 'new' } })
})

test('a deadlock with another program is tried again, and succeeds', async () => {
  await sql(`create function bump() returns trigger language plpgsql as $$ begin
    update projects set notes = notes || '.' where id = new.project_id; return null; end $$`)
  await sql('create trigger bump after update on tasks for each row execute function bump()')
  const url = new URL(app.database.url)
  // It looks for a deadlock once, so long after it has begun to wait: the other program waits by then.
  url.searchParams.set('options', '-c deadlock_timeout=3s')
  const node = await startApp({ database: app.database, databaseUrl: url.href })
  const { id: parent } = await make('project', { name: 'parent' })
  const { id } = await make('task', { project_id: Number(parent), title: 'child' })
  const lenient = await outsider('-c deadlock_timeout=60s')
  await lenient.query('begin')
  await lenient.query(`update projects set notes = 'held' where id = $1`, [parent])
  const saving = node.call('PATCH', `/records/task/${id}`, {
    body: { client_version: 1, changes: { title: 'saved' } },
  })
  await untilWaiting(1)
  await lenient.query('select from tasks where id = $1 for update', [id])
  await lenient.query('commit')
  expect((await saving).body.data).toMatchObject({ version: 2, fields: { title: 'saved' } })
  expect((await call('GET', `/records/project/${parent}`)).body.data.fields.notes).toBe('held.')
  await node.stop()
  await sql('drop trigger bump on tasks')
})

describe('a pool of one connection', () => {
  const actor = app.people.get('alice') as Person
  const narrow = (options: Parameters<typeof startApp>[0] = {}): Promise<TestApp> =>
    startApp({ database: app.database, pool: { min: 0, max: 1 }, acquireMs: 3_000, ...options })

  test('serves everybody, one after the other', async () => {
    const node = await narrow()
    const { id } = await node.make('project', { name: 'x' })
    const watcher = await node.socket()
    const answers = await Promise.all([
      watcher.watch(['project', id]),
      ...Array.from({ length: 10 }, (_, at) =>
        node.call('PATCH', `/records/project/${id}`, {
          body: { client_version: 1, changes: { name: `n${at}` }, mutation_id: `pool-${at}` },
        }),
      ),
      node.call('GET', `/records/project/${id}/history`),
    ])
    const statuses = answers.slice(1).map(({ status }) => status)
    expect(statuses.filter((status) => status === 200)).toHaveLength(2)
    expect(statuses.filter((status) => status === 409)).toHaveLength(9)
    await watcher.receives('RecordUpdated', { id, version: 2 })
    await node.stop()
  })

  test('carries all of a save, a creation and a deletion inside a caller’s transaction, from the first on', async () => {
    const fresh = await narrow({ awaitStart: false })
    await fresh.knex.transaction(async (transaction) => {
      const options = { actor, transaction }
      const created = await fresh.records.create('project', { ...options, fields: { name: 'inside' } })
      if (created.outcome !== 'created') throw new Error(created.outcome)
      const { id } = created.record
      const save = (clientVersion: number, name: unknown) =>
        fresh.records.save('project', id, {
          ...options,
          clientVersion,
          changes: { name },
          mutationId: `in-${name}`,
        })
      expect((await save(1, 'one')).outcome).toBe('saved')
      expect((await save(1, 'two')).outcome).toBe('conflict')
      expect((await save(1, 'one')).outcome).toBe('saved')
      expect((await save(2, 7)).outcome).toBe('invalid')
      expect((await fresh.records.remove('project', id, { ...options, clientVersion: 2 })).outcome).toBe(
        'removed',
      )
      expect((await fresh.records.remove('project', id, { ...options, clientVersion: 2 })).outcome).toBe(
        'gone',
      )
    })
    await fresh.stop()
  })

  test('that somebody keeps is answered 503 with Retry-After, and nothing is saved', async () => {
    const node = await narrow({ acquireMs: 150 })
    const { id } = await make('project', { name: 'x' })
    const kept = await node.knex.transaction()
    for (const [method, path, body] of [
      ['GET', `/records/project/${id}`, undefined],
      ['GET', '/records/project', undefined],
      ['PATCH', `/records/project/${id}`, { client_version: 1, changes: { name: 'y' } }],
      ['POST', '/records/project', { fields: { name: 'y' } }],
    ] as const) {
      const answer = await node.call(method, path, { body })
      expect([method, answer.status, answer.body.code]).toEqual([method, 503, 'unavailable'])
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
    }
    const socket = await node.socket()
    expect(await socket.watch(['project', id])).toMatchObject({ ok: false, code: 'unavailable' })
    await kept.rollback()
    expect((await node.call('GET', `/records/project/${id}`)).body.data.version).toBe(1)
    await node.stop()
  })
})

// Versions, asked for one at a time by many or many at a time by one: each caller is answered by their own permission, and
// how many ask changes only how often the database is asked.
import { beforeAll, describe, expect, it } from 'vitest'
import { type Person, startApp, type TestApp } from '../../support/app.ts'
import { compacted } from '../../support/compaction.ts'

let app: TestApp
beforeAll(async () => {
  app = await startApp()
})

const personOf = (name: string) => app.people.get(name) as Person

interface Held {
  type: string
  id: string
  version: number
}

const ask = async (records: Held[], as = 'alice') => {
  const { status, body } = await app.call('POST', '/records/versions', { as, body: { records } })
  expect(status).toBe(200)
  return new Map<string, object>(body.data.map((entry: { id: string }) => [entry.id, entry]))
}

/** How often the pool was asked for a connection meanwhile; nobody watches here, so nothing else asks it. */
const queriesOf = async (work: () => Promise<unknown>) => {
  let count = 0
  const onAcquire = () => {
    count += 1
  }
  const { pool } = app.knex.client
  pool.on('acquireRequest', onAcquire)
  await work().finally(() => pool.removeListener('acquireRequest', onAcquire))
  return count
}

const HIDDEN = { version: null, updated_at: null, updated_by: null, deleted: false }

describe('many at once', () => {
  it.each([
    ['integers', 'project', async () => (await app.make('project', { name: 'x' })).id],
    ['big integers', 'task', async () => (await app.make('task', { project_id: 1, title: 'x' })).id],
    ['uuids', 'note', async () => (await app.make('note', { owner: 'alice' })).id],
    [
      'texts',
      'tag',
      async () => {
        const id = `a "b", {c} \\ d's ${Math.random()}`
        await app.sql('insert into tags (id) values (?)', [id])
        return id
      },
    ],
  ])('are distinguished by keys that are %s', async (_what, type, make) => {
    const [same, newer, older] = [await make(), await make(), await make()]
    const answer = await ask([
      { type, id: same, version: 1 },
      { type, id: newer, version: 2 },
      { type, id: older, version: Number.MIN_SAFE_INTEGER },
    ])
    expect([...answer.keys()].sort()).toEqual([newer, older].sort())
    expect(answer.get(newer)).toMatchObject({ type, version: 1, deleted: false })
  })

  it('are one query a type, and one more where some are gone', async () => {
    const rows = await app.sql(`insert into tasks (tenant_id, project_id, title)
      select 'acme', 77, 'Task' from generate_series(1, 200) returning id::text`)
    await compacted(app)
    const tasks = rows.map(({ id }): Held => ({ type: 'task', id, version: 1 }))
    const project = { type: 'project', id: (await app.make('project', { name: 'x' })).id, version: 1 }
    const received: Map<string, object>[] = []
    const queries = (records: Held[]) => queriesOf(async () => received.push(await ask(records)))
    expect(await queries(tasks)).toBe(1)
    expect(await queries([...tasks, project])).toBe(2)
    await app.sql('update tasks set title = ? where project_id = 77', ['Changed'])
    await compacted(app)
    expect(await queries(tasks)).toBe(1)
    await app.sql('delete from tasks where project_id = 77')
    expect(await queries(tasks)).toBe(2)
    expect(received.map(({ size }) => size)).toEqual([0, 0, 200, 200])
    expect([...(received[3]?.values() ?? [])].every((entry) => 'deleted' in entry && entry.deleted)).toBe(
      true,
    )
  })

  it('are authorized one by one where permission depends on the record, the deleted ones too', async () => {
    const owners = ['alice', 'bob', 'everybody', 'alice', 'bob']
    const notes: Held[] = []
    for (const owner of owners) {
      const [{ id }] = await app.sql(`insert into notes (tenant_id, owner) values ('acme', ?) returning id`, [
        owner,
      ])
      notes.push({ type: 'note', id, version: 1 })
    }
    const [own, hidden, open, ownGone, hiddenGone] = notes.map(({ id }) => id) as [
      string,
      string,
      string,
      string,
      string,
    ]
    await app.sql(`update notes set body = 'x' where id = any(?)`, [[hidden, open]])
    await app.sql('delete from notes where id = any(?)', [[ownGone, hiddenGone]])
    const answer = await ask(notes)
    expect(answer.has(own)).toBe(false)
    expect(answer.get(open)).toMatchObject({ version: 2, deleted: false })
    expect(answer.get(ownGone)).toMatchObject({ version: 2, deleted: true })
    for (const id of [hidden, hiddenGone]) expect(answer.get(id)).toEqual({ type: 'note', id, ...HIDDEN })
  })

  it('say nothing to whom the whole type is closed', async () => {
    const { id } = await app.make('project', { name: 'x' })
    const answer = await ask([{ type: 'project', id, version: 1 }], 'nobody')
    expect(answer.get(id)).toEqual({ type: 'project', id, ...HIDDEN })
  })
})

describe('one at a time', () => {
  it('are one query for all who ask at the same moment, and each is authorized by their own permission', async () => {
    const { id: project } = await app.make('project', { name: 'x' })
    const { id: note } = await app.make('note', { owner: 'bob' }, 'bob')
    const asked = (type: string, id: string, who: string) =>
      app.records.version(type, id, { actor: personOf(who) })
    const acme = ['alice', 'bob', 'vera', 'nobody']
    const outcomes: { outcome: string }[] = []
    const queries = await queriesOf(async () => {
      const together = Array.from({ length: 40 }, (_, at) => asked('project', project, acme[at % 4] ?? ''))
      outcomes.push(...(await Promise.all(together)))
    })
    expect(queries).toBe(1)
    expect(outcomes.slice(0, 4).map(({ outcome }) => outcome)).toEqual(['found', 'found', 'found', 'missing'])

    const notes = await Promise.all([...acme, 'gina'].map((who) => asked('note', note, who)))
    expect(notes.map(({ outcome }) => outcome)).toEqual(['missing', 'found', 'missing', 'missing', 'missing'])
    const foreign = await Promise.all(['alice', 'gina'].map((who) => asked('project', project, who)))
    expect(foreign.map(({ outcome }) => outcome)).toEqual(['found', 'missing'])
  })

  it('never answer with less than what was committed before they asked', async () => {
    const { id } = await app.make('project', { name: 'x' })
    let polling = true
    const polls = Array.from({ length: 8 }, async () => {
      while (polling) await app.call('GET', `/records/project/${id}/version`)
    })
    for (let version = 1; version < 40; version += 1) {
      await app.sql('update projects set name = ? where id = ?', [`Name ${version}`, id])
      const { headers } = await app.call('GET', `/records/project/${id}/version`)
      expect(headers.get('etag')).toBe(`"${version + 1}"`)
    }
    polling = false
    await Promise.all(polls)
  })
})

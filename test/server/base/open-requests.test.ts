// Anyone who is locked out while a request of theirs is under way writes nothing with it, and receives nothing: on every route
// that writes, on the router's way and on the short one, and where the revocation comes from another node.
import { once } from 'node:events'
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import { Redis } from 'ioredis'
import { beforeEach, expect, test } from 'vitest'
import { type Person, startApp, type TestApp } from '../../support/app.ts'
import { startRedis } from '../../support/redis.ts'
import { waitFor } from '../../support/wait-for.ts'

/** A request of alice's whose body is still being sent. */
interface Slow {
  /** Sends more of the body. */
  write(text: string): void
  /** Sends the rest, and gives the answer. */
  finish(text: string): Promise<{ status: number; text: string }>
}

/** Counts from now on how often somebody's sign-in is looked up. */
const asked = ({ people }: TestApp) => {
  let count = 0
  people.get = (name) => {
    count += 1
    return Map.prototype.get.call(people, name)
  }
  return () => count
}

/** Sends the head and the beginning of a body; resolves when its sign-in has been looked up. */
const begin = async (
  app: TestApp,
  method: string,
  path: string,
  text: string,
  type = 'application/json',
): Promise<Slow> => {
  const count = asked(app)
  const request: ClientRequest = httpRequest(`${app.origin}/api/v1${path}`, {
    method,
    headers: { authorization: 'Bearer alice', 'content-type': type, 'transfer-encoding': 'chunked' },
  })
  const answered = once(request, 'response') as Promise<[IncomingMessage]>
  request.write(text)
  await waitFor(() => count() > 0, { what: 'the sign-in' })
  return {
    write: (more) => void request.write(more),
    finish: async (rest) => {
      request.end(rest)
      const [response] = await answered
      let body = ''
      for await (const chunk of response.setEncoding('utf8')) body += chunk
      return { status: response.statusCode ?? 0, text: body }
    },
  }
}

/** One looks every sign-in up again, the other none by itself. */
const strict = await startApp({ limits: { signInAgeMs: 0 } })
const lenient = await startApp({ limits: { signInAgeMs: 3_600_000 } })
const people = [...strict.people]
beforeEach(() => {
  for (const app of [strict, lenient]) for (const [name, person] of people) app.people.set(name, person)
})

const project = (app: TestApp) => app.make('project', { name: 'Bridge' })
const ROWS = 'name\n'

/** Each write, cut in two; `plain` paths take the short way, the others the router's. */
const WRITES: [
  name: string,
  method: string,
  path: (id: string) => string,
  type: string,
  text: (id: string) => string,
][] = [
  [
    'a save',
    'PATCH',
    (id) => `/records/project/${id}`,
    'application/json',
    () => '{"client_version":1,"changes":{"name":"Mine"}}',
  ],
  [
    'a save on the router’s way',
    'PATCH',
    (id) => `/records/%70roject/${id}`,
    'application/json',
    () => '{"client_version":1,"changes":{"name":"Mine"}}',
  ],
  ['a creation', 'POST', () => '/records/project', 'application/json', () => '{"fields":{"name":"Mine"}}'],
  [
    'a deletion',
    'DELETE',
    (id) => `/records/project/${id}`,
    'application/json',
    () => '{"client_version":1}',
  ],
  [
    'a bulk edit',
    'PATCH',
    () => '/records/project',
    'application/json',
    (id) => `{"changes":{"name":"Mine"},"records":[{"id":"${id}","client_version":1}]}`,
  ],
  [
    'a bulk edit with a mutation id',
    'PATCH',
    () => '/records/project',
    'application/json',
    (id) =>
      `{"mutation_id":"m${id}","changes":{"name":"Mine"},"records":[{"id":"${id}","client_version":1}]}`,
  ],
  ['an import of CSV', 'POST', () => '/records/project/import', 'text/csv', () => `${ROWS}Mine\n`],
  [
    'an import of NDJSON',
    'POST',
    () => '/records/project/import',
    'application/x-ndjson',
    () => '{"name":"Mine"}\n',
  ],
]

/** How somebody is locked out, and what their request is answered then. */
const LOCK_OUTS: [name: string, status: number, lockOut: (app: TestApp) => unknown][] = [
  ['the sign-in ended', 401, (app) => app.people.delete('alice')],
  [
    'the session became another person’s',
    401,
    (app) => app.people.set('alice', app.people.get('bob') as Person),
  ],
  [
    'the session became another tenant’s',
    401,
    (app) => app.people.set('alice', { ...(app.people.get('alice') as Person), tenantId: 'globex' }),
  ],
  [
    'the right to write was taken',
    403,
    (app) => app.people.set('alice', { ...(app.people.get('alice') as Person), role: 'viewer' }),
  ],
]

const rows = (app: TestApp) =>
  app.sql(
    `select p.id, p.name, p.version, (select count(*)::int from noclobber.changes) as changes from projects p order by id`,
  )

test.each(
  WRITES.flatMap(([what, ...write]) => LOCK_OUTS.map(([how, ...out]) => [what, how, write, out] as const)),
)(
  '%s is not written when its body comes after %s',
  async (_what, _how, [method, path, type, text], [status, lockOut]) => {
    const app = strict
    const { id } = await project(app)
    const before = await rows(app)
    const whole = text(id)
    const slow = await begin(app, method, path(id), whole.slice(0, 5), type)
    lockOut(app)
    const answer = await slow.finish(whole.slice(5))
    expect([answer.status, await rows(app)]).toEqual([status, before])
  },
)

test.each(WRITES)(
  '%s is not written for anyone who was revoked meanwhile, whatever the sign-in says',
  async (_what, method, path, type, text) => {
    const app = lenient
    const { id } = await project(app)
    const before = await rows(app)
    const whole = text(id)
    const slow = await begin(app, method, path(id), whole.slice(0, 5), type)
    await app.records.revoke({ tenantId: 'acme', userId: 'alice', disconnect: true })
    const answer = await slow.finish(whole.slice(5))
    expect([answer.status, await rows(app)]).toEqual([401, before])
  },
)

test.each(WRITES)('%s goes on when somebody else was revoked', async (_what, method, path, type, text) => {
  const app = lenient
  const { id } = await project(app)
  const whole = text(id)
  const slow = await begin(app, method, path(id), whole.slice(0, 5), type)
  await app.records.revoke({ tenantId: 'acme', userId: 'bob', disconnect: true })
  await app.records.revoke({ tenantId: 'globex', userId: 'alice', disconnect: true })
  const answer = await slow.finish(whole.slice(5))
  expect(answer.status, answer.text).toBeLessThan(300)
})

const waitsForLock = async (app: TestApp) =>
  (
    await app.sql(
      `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    )
  ).length > 0

test.each(WRITES)(
  '%s that waits for a lock is not written for anyone who is revoked by then',
  async (what, method, path, type, text) => {
    const app = lenient
    const { id } = await project(app)
    const before = await rows(app)
    const locking = await app.knex.transaction()
    await locking.raw('lock table projects in share mode')
    const slow = await begin(app, method, path(id), text(id).slice(0, 5), type)
    let isAnswered = false
    const answered = slow.finish(text(id).slice(5)).finally(() => {
      isAnswered = true
    })
    try {
      await waitFor(() => waitsForLock(app), { what: 'the write that waits' })
      await app.records.revoke({ tenantId: 'acme', userId: 'alice', disconnect: true })
      // These are one statement, which writes as soon as it may: it is cancelled while the lock is held.
      if (/save|creation|deletion|bulk edit$/.test(what))
        await waitFor(() => isAnswered, { what: 'the answer' })
    } finally {
      await locking.rollback()
    }
    expect([(await answered).status, await rows(app)]).toEqual([401, before])
    expect((await app.call('GET', `/records/project/${id}`)).status).toBe(200)
  },
)

test('a right that went is noticed by a revocation, before the sign-in is old', async () => {
  const app = lenient
  const { id } = await project(app)
  const slow = await begin(app, 'PATCH', `/records/project/${id}`, '{"client_')
  app.people.set('alice', { ...(app.people.get('alice') as Person), role: 'viewer' })
  await app.records.revoke({ tenantId: 'acme' })
  expect((await slow.finish('version":1,"changes":{"name":"Mine"}}')).status).toBe(403)
})

test('an import of many rows is undone when its person is revoked on another node while it runs', async () => {
  const redis = await startRedis()
  const client = () => new Redis(redis.url, { lazyConnect: true })
  const app = await startApp({ limits: { signInAgeMs: 3_600_000 }, redis: client })
  const other = await startApp({ database: app.database, redis: client })
  await waitFor(
    async () =>
      (await app.records.health()).checks.redis.ok && (await other.records.health()).checks.redis.ok,
    { what: 'Redis' },
  )
  const part = '{"name":"Mine"}\n'.repeat(150)
  const watcher = await app.socket({ as: 'bob' })
  const slow = await begin(app, 'POST', '/records/project/import', part, 'application/x-ndjson')
  await watcher.watchList('project')
  await other.records.revoke({ tenantId: 'acme', userId: 'alice', disconnect: true })
  // Bob is revoked after Alice, over the same channel: once Bob has lost access, so has she.
  await other.records.revoke({ tenantId: 'acme', userId: 'bob', disconnect: true })
  await waitFor(() => !watcher.socket.connected, { what: 'the revocation' })
  const answer = await slow.finish(part)
  expect([answer.status, (await rows(app)).length]).toEqual([401, 0])
})

test('an import whose rights may have changed is undone where they depend on the record', async () => {
  const app = lenient
  const part = '{"owner":"alice","body":"x"}\n'.repeat(150)
  const slow = await begin(app, 'POST', '/records/note/import', part, 'application/x-ndjson')
  await app.records.revoke({ type: 'note' })
  const answer = await slow.finish(part)
  expect([answer.status, await app.sql('select id from notes')]).toEqual([503, []])
})

test('an import goes on past a renewed sign-in, and past a revocation that took nothing', async () => {
  const app = strict
  const before = (await rows(app)).length
  const part = '{"name":"Mine"}\n'.repeat(150)
  const slow = await begin(app, 'POST', '/records/project/import', part, 'application/x-ndjson')
  app.people.set('alice', { ...(app.people.get('alice') as Person), name: 'Alice B.' })
  await app.records.revoke({ tenantId: 'acme' })
  const answer = await slow.finish(part)
  expect([answer.status, (await rows(app)).length]).toEqual([200, before + 300])
})

test('a request that waits for changes ends at once when its person is revoked', async () => {
  const app = await startApp()
  const { body } = await app.call('GET', '/changes')
  const count = asked(app)
  const held = app.call('GET', `/changes?wait=25&cursor=${body.cursor}`)
  await waitFor(() => count() > 0, { what: 'the sign-in' })
  await app.records.revoke({ tenantId: 'acme', userId: 'alice', disconnect: true })
  expect((await held).status).toBe(401)
})

test('a right that is given while a body is sent counts too', async () => {
  const app = strict
  const { id } = await project(app)
  const alice = app.people.get('alice') as Person
  app.people.set('alice', { ...alice, role: 'viewer' })
  const slow = await begin(app, 'PATCH', `/records/project/${id}`, '{"client_')
  app.people.set('alice', alice)
  expect((await slow.finish('version":1,"changes":{"name":"Mine"}}')).status).toBe(200)
})

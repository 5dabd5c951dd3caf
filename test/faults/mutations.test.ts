// Teeth: what must never happen is made to happen by one wrong line, and the check that guards against it must fail.
// Each check passes on the real server first, so that it is the wrong line that it catches.
import pg from 'pg'
import { expect, test } from 'vitest'
import { startApp, type TestApp } from '../support/app.ts'
import { breakServer, type Patch } from '../support/broken-server.ts'
import { waitFor } from '../support/wait-for.ts'

interface Tooth extends Patch {
  name: string
  limits?: object
  /** Throws where the promise is broken. */
  check(app: TestApp): Promise<void>
}

const save = (app: TestApp, id: string, version: number, changes: object, headers = {}) =>
  app.call('PATCH', `/records/project/${id}`, { body: { client_version: version, changes }, headers })

const TEETH: Tooth[] = [
  {
    name: 'a guard that forgets the version',
    file: 'server/tables/record-sql.ts',
    from: 't."version" = $3',
    to: '$3::bigint is not null',
    check: async (app) => {
      const { id } = await app.make('project', { name: 'A' })
      await save(app, id, 1, { name: 'B' })
      expect((await save(app, id, 1, { name: 'C' })).status).toBe(409)
    },
  },
  {
    name: 'a read that forgets the tenant',
    file: 'server/tables/record-sql.ts',
    from: `where \${id} = $1\${ofTenant(2)}\`),
    readMany`,
    to: `where \${id} = $1\${tenant ? ' and $2::text is not null' : ''}\`),
    readMany`,
    check: async (app) => {
      const { id } = await app.make('project', { name: 'A' })
      expect((await app.call('GET', `/records/project/${id}`, { as: 'gina' })).status).toBe(404)
    },
  },
  {
    name: 'a body that may write any column',
    file: 'server/records/validate.ts',
    from: '!schema || !known.writable.has(name)',
    to: 'false',
    check: async (app) => {
      const { id } = await app.make('project', { name: 'A' })
      const status = (await save(app, id, 1, { tenant_id: 'globex' })).status
      const [row] = await app.sql(`select tenant_id from projects where id = ${id}`)
      expect({ status, ...row }).toEqual({ status: 422, tenant_id: 'acme' })
    },
  },
  {
    name: 'no look at the origin',
    file: 'server/http/origin.ts',
    from: 'if (origin === undefined) return true',
    to: 'if (origin !== null) return true',
    check: async (app) => {
      const { id } = await app.make('project', { name: 'A' })
      const answer = await save(app, id, 1, { name: 'B' }, { origin: 'https://evil.example' })
      expect(answer.status).toBe(403)
    },
  },
  {
    name: 'a join without permission',
    file: 'server/live/watch-records.ts',
    from: 'if (!known.mayRead(watcher.data.actor, row)) return null',
    to: '',
    check: async (app) => {
      const { id } = await app.make('note', { owner: 'bob' }, 'bob')
      const alice = await app.socket({ as: 'alice' })
      expect((await alice.watch(['note', id])).records[0].ok).toBe(false)
    },
  },
  {
    name: 'a delivery without permission',
    file: 'server/live/delivery.ts',
    from: 'known.mayRead(actor, row)',
    to: 'true',
    check: async (app) => {
      const alice = await app.socket({ as: 'alice' })
      await alice.watchList('note')
      await app.make('note', { owner: 'bob' }, 'bob')
      await alice.flushed()
      expect(alice.heard).toEqual([])
    },
  },
  {
    name: 'a delivery that goes by the rooms alone',
    file: 'server/live/watchers.ts',
    from: 'data.watching?.has(room) === true && tenantOf(known, data.actor) === tenantId',
    to: 'true',
    check: async (app) => {
      const { id } = await app.make('project', { name: 'A' })
      const gina = await app.socket({ as: 'gina' })
      app.io.in(gina.socket.id ?? '').socketsJoin(`tenant:acme:record:project:${id}`)
      await save(app, id, 1, { name: 'B' })
      await gina.flushed()
      expect(gina.heard).toEqual([])
    },
  },
  {
    name: 'an event for each room instead of each watcher',
    file: 'server/live/socket-broadcast.ts',
    from: '      if (rooms.length > 1) told.add(id)\n',
    to: '',
    check: async (app) => {
      const { id } = await app.make('project', { name: 'A' })
      const bob = await app.socket({ as: 'bob' })
      await bob.watch(['project', id])
      await bob.watchList('project')
      await save(app, id, 1, { name: 'B' })
      await bob.flushed()
      expect(bob.heard.filter(({ name }) => name === 'RecordUpdated')).toHaveLength(1)
    },
  },
  {
    name: 'an echo to the writer’s own socket',
    file: 'server/live/watchers.ts',
    from: 'return actor && isWriter && socketId !== null ? [socketId] : []',
    to: 'return actor && isWriter && socketId === null ? [socketId] : []',
    check: async (app) => {
      const { id } = await app.make('project', { name: 'A' })
      const alice = await app.socket()
      await alice.watch(['project', id])
      await save(app, id, 1, { name: 'B' }, { 'x-socket-id': alice.socket.id ?? '' })
      await alice.flushed()
      expect(alice.heard.filter(({ name }) => name === 'RecordUpdated')).toEqual([])
    },
  },
  {
    name: 'a feed that forgets the transactions that were open',
    file: 'server/log/log-reader.ts',
    from: "overAt('pg_current_snapshot()')})`",
    to: "`'{}'::xid8[]`})`",
    check: async (app) => {
      const slow = new pg.Client({ connectionString: app.database.url })
      await slow.connect()
      try {
        const [first, second] = [
          await app.make('project', { name: 'A' }),
          await app.make('project', { name: 'B' }),
        ]
        const bob = await app.socket({ as: 'bob' })
        await bob.watch(['project', first.id], ['project', second.id])
        await slow.query('begin')
        await slow.query(`update projects set name = 'late' where id = ${first.id}`)
        await save(app, second.id, 1, { name: 'C' })
        await bob.hears('RecordUpdated', { id: second.id })
        await slow.query('commit')
        await bob.hears('RecordUpdated', { id: first.id }, 4_000)
      } finally {
        await slow.end()
      }
    },
  },
  {
    name: 'a repeated mutation that is made twice',
    file: 'server/records/idempotency.ts',
    from: 'if (!row) return null',
    to: 'if (row !== null) return null',
    check: async (app) => {
      const { id } = await app.make('project', { name: 'A' })
      const headers = { 'idempotency-key': 'one' }
      await save(app, id, 1, { name: 'B' }, headers)
      const again = await save(app, id, 1, { name: 'B' }, headers)
      expect({ status: again.status, version: again.body.data?.version }).toEqual({ status: 200, version: 2 })
    },
  },
  {
    name: 'a session that is looked at once and never again',
    file: 'server/live/recheck-access.ts',
    from: 'if (!actor || actor.id !== id || actor.tenantId !== tenantId) end(watcher)',
    to: 'if (!actor) continue',
    limits: { recheckMs: 100 },
    check: async (app) => {
      const vera = await app.socket({ as: 'vera' })
      app.people.delete('vera')
      await waitFor(() => !vera.socket.connected, { what: 'the closing', deadlineMs: 3_000 })
    },
  },
  {
    name: 'presence for whoever asks',
    file: 'server/presence/presence.ts',
    from: "if (!watching.get(room)?.admitted) return 'not_found'",
    to: "if (room === '') return 'not_found'",
    check: async (app) => {
      const { id } = await app.make('note', { owner: 'bob' }, 'bob')
      const bob = await app.socket({ as: 'bob' })
      await bob.watch(['note', id])
      await bob.ask('presence', { type: 'note', id, state: 'editing' })
      const alice = await app.socket({ as: 'alice' })
      expect(await alice.ask('presence', { type: 'note', id, state: 'viewing' })).toMatchObject({ ok: false })
    },
  },
  {
    name: 'a bucket that never empties',
    file: 'server/pacing/rate-limiters.ts',
    from: 'return left >= 0',
    to: 'return true',
    limits: { messagesPerSecond: 5 },
    check: async (app) => {
      const alice = await app.socket()
      const answers = await Promise.all(Array.from({ length: 30 }, () => alice.watch()))
      expect(answers.some(({ code }) => code === 'rate_limited')).toBe(true)
    },
  },
]

test.each(TEETH)(
  '$name is caught',
  async ({ check, file, from, to, limits = {} }) => {
    await check(await startApp({ limits }))
    const broken = await breakServer({ file, from, to })
    await expect(check(await startApp({ limits, server: broken }))).rejects.toThrow()
  },
  60_000,
)

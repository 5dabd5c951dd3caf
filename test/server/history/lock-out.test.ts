// Who is locked out while they bring something back, propose, decide or undo writes nothing with it: the body comes after, or the
// statement waits for a lock meanwhile.
import { expect, test } from 'vitest'
import { startContracts } from '../../support/contracts.ts'
import { waitFor } from '../../support/wait-for.ts'

type App = Awaited<ReturnType<typeof startContracts>>

const strict = await startContracts({ limits: { signInAgeMs: 0 } })
const lenient = await startContracts({ limits: { signInAgeMs: 3_600_000 } })

interface Asked {
  path: string
  body: object
}

/** What each needs, and the table whose lock it waits for. */
const WRITES: [name: string, table: string, prepare: (app: App) => Promise<Asked>][] = [
  [
    'a version brought back',
    'contracts',
    async (app) => {
      const [, , three] = await app.saved()
      return { path: `${app.pathOf(three)}/restore`, body: { client_version: three.version, to_version: 1 } }
    },
  ],
  [
    'a deleted record brought back',
    'contracts',
    async (app) => {
      const [, , { version, ...three }] = await app.saved()
      const path = app.pathOf({ version, ...three })
      await app.call('DELETE', path, { body: { client_version: version } })
      return { path: `${path}/restore`, body: { client_version: version + 1 } }
    },
  ],
  [
    'a proposal',
    'noclobber.proposals',
    async (app) => {
      const [, , three] = await app.saved()
      return {
        path: `${app.pathOf(three)}/proposals`,
        body: { client_version: three.version, changes: { name: 'x' } },
      }
    },
  ],
  ...(['accept', 'reject'] as const).map((way): (typeof WRITES)[number] => [
    `a proposal to ${way}`,
    way === 'accept' ? 'contracts' : 'noclobber.proposals',
    async (app) => {
      const [, , three] = await app.saved()
      const path = `${app.pathOf(three)}/proposals`
      const body = { client_version: three.version, changes: { name: 'proposed' } }
      const proposed = await app.call('POST', path, { as: 'bob', body })
      return { path: `${path}/${proposed.body.data.id}/${way}`, body: { client_version: three.version } }
    },
  ]),
  [
    'an import to undo',
    'contracts',
    async (app) => {
      const response = await fetch(`${app.origin}/api/v1/records/contract/import`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-ndjson', authorization: 'Bearer alice' },
        body: '{"name":"a"}\n{"name":"b"}\n{"name":"c"}\n',
      })
      const { data } = await response.json()
      return { path: `/records/contract/import/${data.import_id}/undo`, body: { limit: 10 } }
    },
  ],
]

const state = (app: App) =>
  app.sql(`select (select jsonb_agg(c order by c.id) from contracts c) as contracts, (select count(*)::int from noclobber.changes) as changes,
    (select jsonb_agg(p order by p.id) from noclobber.proposals p) as proposals`)

test.each(WRITES)(
  '%s is not written when its body comes after the sign-in ended',
  async (_what, _table, prepare) => {
    const app = strict
    const { path, body } = await prepare(app)
    const before = await state(app)
    const alice = app.people.get('alice')
    let send: (text: string) => void = () => {}
    const stream = new ReadableStream({
      start(controller) {
        send = (text) => {
          controller.enqueue(new TextEncoder().encode(text))
          if (text !== '{') controller.close()
        }
      },
    })
    let asked = false
    app.people.get = (name) => {
      asked = true
      return Map.prototype.get.call(app.people, name)
    }
    const answered = fetch(`${app.origin}/api/v1${path}`, {
      method: 'POST',
      headers: { authorization: 'Bearer alice', 'content-type': 'application/json' },
      body: stream,
      duplex: 'half',
    } as RequestInit)
    send('{')
    await waitFor(() => asked, { what: 'the sign-in' })
    app.people.delete('alice')
    send(JSON.stringify(body).slice(1))
    const { status } = await answered
    const after = await state(app)
    if (alice) app.people.set('alice', alice)
    expect([status, after]).toEqual([401, before])
  },
)

test.each(WRITES)(
  '%s that waits for a lock is not written for anyone who is revoked by then',
  async (_what, table, prepare) => {
    const app = lenient
    const { path, body } = await prepare(app)
    const before = await state(app)
    const locking = await app.knex.transaction()
    await locking.raw(`lock table ${table} in share mode`)
    const answered = app.call('POST', path, { body })
    try {
      await waitFor(
        async () =>
          (
            await app.sql(
              `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
            )
          ).length > 0,
        { what: 'the write that waits' },
      )
      await app.records.revoke({ tenantId: 'acme', userId: 'alice', disconnect: true })
    } finally {
      await locking.rollback()
    }
    expect([(await answered).status, await state(app)]).toEqual([401, before])
  },
)

// What one person's imports may cost others: a slow upload holds nothing of the database's and ends; many files wait for
// their turn, and nobody else waits behind them.
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { startApp, type TestApp } from '../../support/app.ts'
import { atEnd } from '../../support/at-end.ts'
import { waitFor } from '../../support/wait-for.ts'

const HEAD = 'name\n'

/** An upload that goes on for as long as the test writes. */
const upload = ({ origin }: TestApp, as = 'alice', headers = {}) => {
  const sent = request(`${origin}/api/v1/records/project/import?key=`, {
    method: 'POST',
    headers: { authorization: `Bearer ${as}`, 'content-type': 'text/csv', ...headers },
  })
  atEnd(() => sent.destroy())
  sent.on('error', () => {})
  return sent
}

const answerOf = async (sent: ClientRequest) => {
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  const body = (await response.toArray()).join('')
  return { status: response.statusCode, headers: response.headers, body: JSON.parse(body) }
}

const importAs = (app: TestApp, as: string, text = 'name\nBridge\n') =>
  app.call('POST', '/records/project/import?key=', { as, text, headers: { 'content-type': 'text/csv' } })

const transactions = async ({ sql }: TestApp) =>
  (
    await sql(`select from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()
      and xact_start is not null and backend_type = 'client backend'`)
  ).length

/** Bytes every few milliseconds until the answer is there. */
const dripUntil = async <T>(sent: ClientRequest, answered: Promise<T>): Promise<T> => {
  const dripping = setInterval(() => sent.write('a'), 20)
  try {
    return await answered
  } finally {
    clearInterval(dripping)
  }
}

test('an upload under way holds no transaction, and no place of another person’s', async () => {
  const app = await startApp({ limits: { importsAtOnce: 1 } })
  const lines = { accept: 'application/x-ndjson' }
  const slow = [upload(app, 'alice', lines), upload(app, 'alice', lines)]
  const begun = slow.map((sent) => once(sent, 'response'))
  for (const sent of slow) sent.write(`${HEAD}${'Row\n'.repeat(300)}`)
  await Promise.all(begun)
  await waitFor(async () => (await transactions(app)) === 0, { what: 'no transaction to be open' })
  const third = await importAs(app, 'alice')
  expect([third.status, third.body.code, third.headers.get('retry-after')]).toEqual([
    429,
    'rate_limited',
    expect.any(String),
  ])
  expect((await importAs(app, 'bob')).status).toBe(200)
})

test.concurrent.each([
  ['brings too little', { importBytesPerSecond: 10_000, importGraceMs: 300 }, 'brought'],
  ['takes too long', { importTotalMs: 300 }, 'took'],
  ['stalls', { importIdleMs: 10 }, 'stalled'],
])('an upload that %s is answered 408, and its connection ends', async (_, limits, why) => {
  const app = await startApp({ limits })
  const sent = upload(app)
  sent.write(HEAD)
  const closed = once(sent, 'close')
  const answered = answerOf(sent)
  const { status, headers, body } = await dripUntil(sent, answered)
  expect([status, headers['content-type'], body.code, body.status]).toEqual([
    ...[408, 'application/problem+json', 'too_slow', 408],
  ])
  expect(body.detail).toContain(why)
  sent.write('a')
  await closed
  expect((await importAs(app, 'alice')).status).toBe(200)
})

test('the time that rows take here makes no upload slow', async () => {
  const app = await startApp({
    limits: { importBytesPerSecond: 1e9, importGraceMs: 150, importTotalMs: 150 },
  })
  const text = `${HEAD}${'A project of many\n'.repeat(20_000)}`
  expect((await importAs(app, 'alice', text)).body.data).toMatchObject({ created: 20_000 })
})

test('who waits too long to be written is asked to come again', async () => {
  const app = await startApp({ limits: { importsAtOnce: 1, importWaitMs: 100 } })
  const lock = await app.knex.transaction()
  try {
    await lock.raw('lock table projects in share mode')
    const writing = importAs(app, 'alice')
    await waitFor(async () => (await transactions(app)) >= 2, { what: 'the first to be written' })
    const { status, body } = await importAs(app, 'bob')
    expect([status, body.code]).toEqual([429, 'rate_limited'])
    await lock.commit()
    expect((await writing).status).toBe(200)
  } finally {
    if (!lock.isCompleted()) await lock.rollback()
  }
})

test('rows that wait on the disk are all written, and leave no file', async () => {
  // A temporary folder of its own: in the common one other tests import at the same time.
  const dir = await mkdtemp(join(tmpdir(), 'noclobber-costs-'))
  onTestFinished(() => rm(dir, { recursive: true }))
  vi.stubEnv('TMPDIR', dir)
  onTestFinished(() => void vi.unstubAllEnvs())
  const app = await startApp()
  const rows = Array.from({ length: 5_000 }, (_, n) => `Nº ${n}\u2028 ${'ü'.repeat(n % 150)}`)
  expect((await importAs(app, 'alice', `${HEAD}${rows.join('\n')}\n`)).status).toBe(200)
  const stored = await app.sql('select name from projects order by id')
  expect(stored.map(({ name }) => name)).toEqual(rows)
  expect(await readdir(dir)).toEqual([])
})

test('a connection whose upload was refused early serves what comes on it afterwards', async () => {
  const app = await startApp()
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  atEnd(() => agent.destroy())
  const ask = async (method: string, path: string, body = '') => {
    const sent = request(`${app.origin}/api/v1${path}`, {
      method,
      agent,
      headers: {
        authorization: 'Bearer alice',
        ...(body && { 'content-type': 'text/csv', 'content-length': body.length }),
      },
    })
    sent.end(body)
    const [response] = (await once(sent, 'response')) as [IncomingMessage]
    await response.toArray()
    return [response.statusCode, sent.socket?.localPort]
  }
  const [status, port] = await ask('POST', '/records/project/import', `nothing\n${'x'.repeat(900_000)}\n`)
  expect(status).toBe(422)
  // Somebody is on it when the time is over that a refused upload may go on for.
  const poll = await ask('GET', '/changes?cursor=start')
  expect(poll).toEqual([200, port])
  expect(await ask('GET', '/changes?wait=6')).toEqual([200, port])
})

// Requests and frames made by chance, most of them nonsense: none ends the process, none is answered 5xx, none writes a
// column that is nobody's to write, and the next sensible request is answered as ever.
import { expect, test } from 'vitest'
import { startApp } from '../support/app.ts'
import { seed, times, writeDown } from '../support/figures.ts'
import { type Random, randomOf } from '../support/random.ts'
import { byRun } from '../support/short-run.ts'

const REQUESTS = times(byRun({ short: 200, full: 600 }), 15_000)
const FRAMES = times(byRun({ short: 100, full: 300 }), 5_000)

const ODD = [
  ...[null, '', ' ', '0', '-1', '1.5', '1e0', ' 1 ', '2147483648', '9007199254740993', '1'.repeat(400)],
  ...[true, false, 0, -1, 1.5, 2 ** 53, Number.MAX_VALUE, [], {}, [1], [[[]]], { a: { b: { c: {} } } }],
  ...[
    '__proto__',
    'constructor',
    'toString',
    '<script>',
    "'; drop table projects; --",
    '\u0000',
    '\ud800',
    '💥',
  ],
  ...[
    '../../etc/passwd',
    '%00',
    '{"$gt":""}',
    'project',
    'secret',
    'tenant_id',
    'version',
    'x'.repeat(3_000),
  ],
]

/** A value of any shape, a few levels deep. */
const anything = (random: Random, depth = 0): unknown => {
  if (depth > 3 || random() < 0.6) return random.pick(ODD)
  if (random() < 0.5) return Array.from({ length: random.below(4) }, () => anything(random, depth + 1))
  const keys = [
    'id',
    'type',
    'fields',
    'changes',
    'records',
    'lists',
    'client_version',
    'scope',
    'state',
    '__proto__',
  ]
  const entries = Array.from({ length: random.below(5) }, () => [
    random.pick(keys),
    anything(random, depth + 1),
  ])
  // Not by Object.fromEntries: `__proto__` must be a key of its own, as it is in parsed JSON.
  return JSON.parse(
    `{${entries.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join()}}`,
  )
}

const textOf = (random: Random) => encodeURIComponent(String(random.pick(ODD)).toWellFormed()).slice(0, 2_000)

const limits = {
  requestsPerPerson: 1e9,
  requestsPerAddress: 1e9,
  messagesPerSecond: 1e9,
  joinsPerSecond: 1e9,
}

test(`${REQUESTS} requests and ${FRAMES} frames by chance do no harm`, async () => {
  const rowErrors: unknown[] = []
  const complain = (details: object) => rowErrors.push(details)
  const app = await startApp({ limits, log: { info: () => {}, warn: () => {}, error: complain } })
  const { id } = await app.make('project', { name: 'Bridge' })
  const random = randomOf(seed)

  for (let count = 0; count < REQUESTS; count += 1) {
    const type = random() < 0.7 ? 'project' : random.pick(['task', 'note', 'sample', 'tag', textOf(random)])
    const at = random() < 0.5 ? id : textOf(random)
    const query =
      random() < 0.3
        ? `?${random.pick(['sort', 'limit', 'after', 'cursor', 'name', 'before'])}=${textOf(random)}`
        : ''
    const path = random.pick([
      `/records/${type}`,
      `/records/${type}/${at}`,
      `/records/${type}/${at}/version`,
      `/records/${type}/${at}/history`,
      '/records/versions',
      `/changes`,
      `/${textOf(random)}`,
    ])
    const method = random.pick(['GET', 'POST', 'PATCH', 'DELETE', 'PUT'])
    const hasBody = method !== 'GET'
    const body =
      random() < 0.3
        ? { client_version: 1, changes: anything(random), fields: anything(random) }
        : anything(random)
    const text = random() < 0.1 ? '{"broken":' : JSON.stringify(body)
    const header = random.pick([
      'if-match',
      'if-none-match',
      'idempotency-key',
      'x-tab-id',
      'x-socket-id',
      'accept',
    ])
    const value = String(random.pick(ODD))
      .replace(/[^\x20-\x7e]/g, '')
      .slice(0, 500)
    const { status, text: given } = await app.call(method, path + query, {
      ...(hasBody && { text }),
      headers: { [header]: value },
    })
    const what = `seed ${seed}, request ${count}: ${method} ${path}${query} ${text.slice(0, 300)} → ${status} ${given.slice(0, 300)}`
    expect(status < 500, what).toBe(true)
    expect(given.includes('unseen'), what).toBe(false)
  }

  const good = await app.socket({ as: 'bob' })
  let bad = await app.socket()
  for (let count = 0; count < FRAMES; count += 1) {
    if (!bad.socket.connected) bad = await app.socket()
    const name = random.pick([
      'watch',
      'unwatch',
      'presence',
      'take_over',
      'nothing',
      'disconnecting',
      '__proto__',
    ])
    const values = Array.from({ length: random.below(4) }, () => anything(random))
    try {
      if (random() < 0.5) bad.socket.emit(name, ...values)
      else bad.socket.emit(name, ...values, () => {})
      if (random() < 0.05) bad.socket.emit(name, Buffer.from('binary'), () => {})
      if (random() < 0.02)
        bad.socket.io.engine.write(
          random.pick(['4', '42', '42[', '451-["watch",{"_placeholder":true,"num":0}]', '\u0000']),
        )
    } catch {
      // Names that the client itself keeps back.
    }
    if (count % 50 === 0)
      expect(await good.ask('watch', { records: [] }), `seed ${seed}, frame ${count}`).toMatchObject({
        records: [],
      })
  }
  expect((await good.watch(['project', id])).records).toHaveLength(1)
  const [row] = await app.sql(
    `select count(*)::int as strange from projects where tenant_id <> 'acme' or secret <> 'unseen'`,
  )
  const [log] = await app.sql(
    `select count(*)::int as strange from projects p where version <> (select max(version) from noclobber.changes c
     where c.table_name = 'public.projects' and c.record_id = p.id::text)`,
  )
  expect({ row, log, rowErrors }).toEqual({ row: { strange: 0 }, log: { strange: 0 }, rowErrors: [] })
  writeDown(
    'input that ends the process, a 5xx for bad input, a protected column written',
    `0 of ${REQUESTS + FRAMES} requests and frames`,
  )
}, 600_000)

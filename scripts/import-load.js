// `npm run soak -- import`: files of 100,000 rows imported by one person while others go on saving, against a server
// and a PostgreSQL of its own. Calm and import take turns; each part is a process of its own.
// Fails where the saves' p99 beside an import is twice that of calm or more, where an import is not one event, or where
// a file with one bad line changes anything. Options: --rows=100000 --rounds=3 --rate=50
import { once } from 'node:events'
import { request } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import openKnex from 'knex'
import { startChild } from '../bench/child.js'
import { openDatabases } from '../bench/database.js'
import { connectSockets } from '../bench/load/sockets.js'
import { median } from '../bench/rounds.js'
import { prepareTables, TABLES } from '../bench/tables.js'

const option = (wanted, fallback) =>
  Number(process.argv.find((argument) => argument.startsWith(`--${wanted}=`))?.split('=')[1] ?? fallback)
const rows = option('rows', 100_000)
const rounds = option('rounds', 3)
const rate = option('rate', 50)

const RECORDS = 20_000
const CALM_MS = 15_000
/** After the answer the import still sends events. */
const AFTER_MS = 2_000
const MOST_RATIO = 2
const MOST_MORE_BYTES = 200e6

/** @param {number | null} badLine A line whose status is none. */
function* fileOf(badLine) {
  yield 'name,number,client,status,starts_on,ends_on,budget,description,notes\n'
  for (let line = 2; line <= rows + 1; line += 1) {
    const status = line === badLine ? 'lost' : 'planned'
    yield `"Bridge ${line}, the new one",N-${line},Client ${line % 100},${status},2026-03-01,,${line % 10_000}.5,What it is about,\n`
  }
}

const send = async (port, badLine = null) => {
  const sending = request({
    host: '127.0.0.1',
    port,
    method: 'POST',
    path: '/api/v1/records/project/import?key=',
    headers: { 'content-type': 'text/csv', 'x-import-name': 'projects.csv' },
  })
  const answered = once(sending, 'response')
  let piece = ''
  for (const line of fileOf(badLine)) {
    piece += line
    if (piece.length < 65_536) continue
    if (!sending.write(piece)) await once(sending, 'drain')
    piece = ''
  }
  sending.end(piece)
  const [response] = await answered
  let text = ''
  for await (const bytes of response) text += bytes
  return { status: response.statusCode, body: JSON.parse(text) }
}

const failures = []
const expect = (isRight, sentence) => {
  if (!isRight) failures.push(sentence)
}
const show = ({ count, p50, p99, worst }) =>
  `${count} saves, p50 ${p50.toFixed(1)}, p99 ${p99.toFixed(1)}, worst ${worst.toFixed(0)} ms`

const databases = await openDatabases({ durable: true })
const ends = [databases.close]
try {
  const url = await databases.fresh()
  await prepareTables(url, RECORDS)
  const knex = openKnex({ client: 'pg', connection: url, pool: { min: 0, max: 1 } })
  ends.push(() => knex.destroy())
  const server = await startChild('servers/ours.js', { url })
  ends.push(server.stop)
  const port = await server.call('port')
  const office = await startChild('load/steady.js', { port, rows: RECORDS })
  ends.push(office.stop)
  const [socket] = await connectSockets(port, 1)
  ends.push(async () => socket.disconnect())
  await socket.emitWithAck('watch', { records: [], lists: [{ type: 'project' }] })
  const events = []
  socket.on('RecordsImported', (event) => events.push(event))
  let created = 0
  socket.on('RecordCreated', () => {
    created += 1
  })
  const stateOf = async () => {
    const text = `select (select count(*) from ${TABLES.ours}) as rows, (select count(*) from noclobber.changes) as changes`
    const { rows: found } = await knex.raw(text)
    return { rows: Number(found[0].rows), changes: Number(found[0].changes) }
  }

  const saving = async (work) => {
    await office.call('begin', rate)
    await work()
    return office.call('end')
  }
  console.log(`${rows} rows, ${rate} saves a second, ${databases.name}`)
  await saving(() => pause(3_000))
  const ratios = []
  for (let round = 1; round <= rounds; round += 1) {
    const calm = await saving(() => pause(CALM_MS))
    events.length = 0
    await server.call('watch')
    let seconds = 0
    let answer
    const beside = await saving(async () => {
      const begun = performance.now()
      answer = await send(port)
      seconds = (performance.now() - begun) / 1_000
      await pause(AFTER_MS)
    })
    const { rss, moreRss, moreHeap, heldP99, heldWorst } = await server.call('watched')
    ratios.push(beside.p99 / calm.p99)
    console.log(
      `calm:   ${show(calm)}\nimport: ${show(beside)}: ${(beside.p99 / calm.p99).toFixed(2)} × at p99\n` +
        `        ${seconds.toFixed(1)} s; from ${(rss / 1e6).toFixed(0)} MB resident up to ${(moreRss / 1e6).toFixed(0)} MB more, heap ` +
        `${(moreHeap / 1e6).toFixed(0)} MB more; event loop held p99 ${heldP99.toFixed(1)}, worst ${heldWorst.toFixed(1)} ms; ` +
        `${events.length} event, ${created} of single records`,
    )
    expect(
      answer.status === 200 && answer.body.data.created === rows,
      `An import was answered ${answer.status}.`,
    )
    expect(events.length === 1 && events[0].count === rows && created === 0, 'An import was not one event.')
    expect(moreRss < MOST_MORE_BYTES, `An import took ${moreRss} bytes more of memory.`)
  }
  const before = await stateOf()
  const badLine = Math.ceil(rows * 0.7)
  events.length = 0
  const refused = await send(port, badLine)
  await pause(AFTER_MS)
  const after = await stateOf()
  const [rowError, ...more] = refused.body.errors ?? []
  console.log(
    `one bad line: ${refused.status}, line ${rowError?.line}: ${rowError?.field} ${rowError?.message}`,
  )
  expect(
    refused.status === 422 && rowError?.line === badLine && more.length === 0,
    'The bad line was not named.',
  )
  expect(
    before.rows === after.rows && before.changes === after.changes,
    'A file with a bad line changed something.',
  )
  expect(events.length === 0, 'A file with a bad line was announced.')
  const ratio = median(ratios)
  console.log(`median of ${rounds}: saves beside an import have ${ratio.toFixed(2)} × the p99 of calm`)
  expect(ratio < MOST_RATIO, `The goal is less than ${MOST_RATIO} ×.`)
} finally {
  for (const end of ends.reverse()) await end()
}
for (const failure of failures) console.error(failure)
process.exit(failures.length > 0 ? 1 : 0)

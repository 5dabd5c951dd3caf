// Twenty writers of every kind, for the oracle: each a share of the commits, each with a chance of its own from the seed.
// Invariant: whatever was committed is entered in the book under the version that PostgreSQL gave, and nothing else is.
import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import type { Answer, TestApp } from './app.ts'
import { atEnd } from './at-end.ts'
import type { Book, Written } from './oracle-book.ts'
import { type Random, randomOf } from './random.ts'

const SEED_TASKS = 80
const SCOPES = 4
const SEED_PROJECTS = 30
/** The one record that only the transaction held open writes. */
export const HELD_PROJECT = SEED_PROJECTS + 1
const TAGS = 40
/** Enough for lists to receive them as one. */
const BULK = 60

/** What a writer works with. */
interface Desk {
  app: TestApp
  book: Book
  random: Random
  client: pg.Client
  /** Different in every call: a write with it always changes something. */
  text(): string
}

/** One attempt to commit something; true where it was. */
type Act = (desk: Desk) => Promise<boolean>

export const seedRecords = async ({ sql }: TestApp): Promise<void> => {
  await sql(`insert into tasks (tenant_id, project_id, title)
    select 'acme', 1 + n % ${SCOPES}, 'seed' from generate_series(1, ${SEED_TASKS}) n`)
  await sql(`insert into projects (tenant_id, name)
    select 'acme', 'seed ' || n from generate_series(1, ${HELD_PROJECT}) n`)
  await sql(`insert into tags (id, label) select 't' || n, 'seed' from generate_series(1, ${TAGS}) n`)
}

const open = async (url: string) => {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  atEnd(() => client.end())
  return client
}

type Event = Written['event']

/** A statement by hand that returns id and version. */
const write = async (client: pg.Client, type: string, event: Event, text: string, values: unknown[] = []) => {
  const { rows } = await client.query(`${text} returning id, version`, values)
  const raise = event === 'deleted' ? 1 : 0
  return rows.map(({ id, version }): Written => ({ type, id, version: Number(version) + raise, event }))
}

const INSERT_TASK = `insert into tasks (tenant_id, project_id, title) values ($1, $2, $3)`

const step = async ({ client, random, text }: Desk): Promise<Written[]> => {
  const task = 1 + random.below(SEED_TASKS)
  switch (random.below(6)) {
    case 0:
      return write(client, 'task', 'created', INSERT_TASK, ['acme', 1 + random.below(SCOPES), text()])
    case 1:
      return write(
        client,
        'task',
        'updated',
        'update tasks set title = $1 where id between $2::int and $2::int + 3',
        [text(), task],
      )
    case 2:
      return write(client, 'project', 'updated', 'update projects set notes = $1 where id = $2', [
        text(),
        1 + random.below(SEED_PROJECTS),
      ])
    case 3:
      return write(
        client,
        'task',
        'deleted',
        `delete from tasks where id = (select id from tasks where id > $1 and tenant_id = 'acme' and project_id <= ${SCOPES}
          order by id limit 1 for update skip locked)`,
        [SEED_TASKS + random.below(100)],
      )
    default:
      return write(client, 'task', 'updated', 'update tasks set title = $1 where id = $2', [text(), task])
  }
}

/** Several statements by hand: committed, rolled back in part, or rolled back as a whole. */
const transaction: Act = async (desk) => {
  const { client, random, book, text } = desk
  const ghosts: Written[] = []
  const made: Written[] = []
  await client.query('begin')
  try {
    for (let left = 1 + random.below(3); left > 0; left -= 1) made.push(...(await step(desk)))
    if (random() < 0.15) {
      await client.query('savepoint here')
      ghosts.push(...(await write(client, 'task', 'created', INSERT_TASK, ['acme', 1, text()])))
      await client.query('rollback to here')
    }
    if (random() < 0.08) await pause(random.below(60))
    const isKept = random() > 0.15
    await client.query(isKept ? 'commit' : 'rollback')
    if (isKept) book.commit(made)
    const undone = isKept ? ghosts : [...ghosts, ...made.filter(({ event }) => event === 'created')]
    if (!isKept || ghosts.length > 0) book.rolledBack(undone)
    return isKept && made.length > 0
  } catch (error) {
    await client.query('rollback')
    if (!/deadlock/.test(String(error))) throw error
    book.rolledBack(made.filter(({ event }) => event === 'created'))
    return false
  }
}

/** One statement by hand; a deadlock makes it try again. */
const statementOf =
  (type: string, event: Event, text: (desk: Desk) => [string, unknown[]]): Act =>
  async (desk) => {
    try {
      const made = await write(desk.client, type, event, ...text(desk))
      desk.book.commit(made)
      return made.length > 0
    } catch (error) {
      if (!/deadlock/.test(String(error))) throw error
      desk.book.rolledBack([])
      return false
    }
  }

const bulkStatement = statementOf('task', 'updated', ({ random }) => [
  'update tasks set done = not done where id between $1::int and $1::int + $2::int',
  [1 + random.below(SEED_TASKS - BULK), BULK],
])

const move = statementOf('task', 'updated', ({ random }) => [
  `update tasks set project_id = 1 + project_id % ${SCOPES} where id between $1::int and $1::int + 1`,
  [1 + random.below(SEED_TASKS)],
])

const otherTenant = statementOf('task', 'created', ({ text }) => [INSERT_TASK, ['globex', 1, text()]])

/** The same few ids deleted and made again and again: their versions go on. */
const phoenix: Act = async (desk) => {
  const id = `p${desk.random.below(5)}`
  const burn = statementOf('tag', 'deleted', () => ['delete from tags where id = $1', [id]])
  const rise = statementOf('tag', 'created', () => [
    'insert into tags (id, label) values ($1, $2)',
    [id, 'x'],
  ])
  return (await burn(desk)) || (await rise(desk))
}

/** Was it done? Refusals that say that nothing was are entered, any other answer is an error. */
const isAnswered = ({ status, text }: Answer, book: Book, good: number[]): boolean => {
  if (good.includes(status)) return true
  if (![404, 409, 410, 503].includes(status)) throw new Error(`A write was answered ${status}: ${text}`)
  book.refused()
  return false
}

/** Saves, creations and deletions over HTTP, as a person's client sends them. */
const route: Act = async ({ app, book, random, text }) => {
  const as = random.pick(['alice', 'bob'])
  const kind = random.below(5)
  if (kind === 0) {
    const fields = { project_id: 1 + random.below(SCOPES), title: text() }
    const made = await app.call('POST', '/records/task', { as, body: { fields } })
    if (!isAnswered(made, book, [201])) return false
    const { id, version } = made.body.data
    book.commit([{ type: 'task', id, version, event: 'created' }])
    return true
  }
  const isDeletion = kind === 1
  const id = isDeletion ? SEED_TASKS + 1 + random.below(200) : 1 + random.below(SEED_TASKS)
  const read = await app.call('GET', `/records/task/${id}`, { as })
  if (read.status !== 200) return false
  const { version } = read.body.data
  const moved = kind === 2 ? { project_id: 1 + random.below(SCOPES) } : {}
  const answer = await app.call(isDeletion ? 'DELETE' : 'PATCH', `/records/task/${id}`, {
    as,
    body: { client_version: version, ...(!isDeletion && { changes: { ...moved, title: text() } }) },
  })
  if (!isAnswered(answer, book, isDeletion ? [204] : [200])) return false
  if (isDeletion) book.commit([{ type: 'task', id, version: version + 1, event: 'deleted' }])
  else book.commit([{ type: 'task', id, version: answer.body.data.version, event: 'updated' }])
  return true
}

type Entry = { id: string; version: number; outcome?: string }

/** LargeTransaction edits over HTTP, most of them small, some large enough to be sent as one. */
const bulkEdit: Act = async ({ app, book, random, text }) => {
  const size = random() < 0.4 ? BULK : 1 + random.below(15)
  const list = await app.call('GET', `/records/task?limit=${size}&sort=${random.pick(['id', '-id'])}`)
  const records = list.body.data.map(({ id, version }: Entry) => ({ id, client_version: version }))
  const answer = await app.call('PATCH', '/records/task', {
    body: { changes: { title: text() }, records, on_stale: 'skip' },
  })
  if (!isAnswered(answer, book, [200])) return false
  const saved: Entry[] = answer.body.data.filter(({ outcome }: Entry) => outcome === 'saved')
  if (saved.length < records.length) book.refused()
  book.commit(saved.map(({ id, version }) => ({ type: 'task', id, version, event: 'updated' })))
  return saved.length > 0
}

/** A file of tags that updates some and creates others; one in four has a bad last line and changes nothing. */
const importFile: Act = async ({ app, book, random, text }) => {
  const isBad = random.below(4) === 0
  const ids = new Set(Array.from({ length: 5 + random.below(20) }, () => `t${1 + random.below(TAGS + 40)}`))
  const lines = [...ids].map((id) => JSON.stringify({ id, label: text() }))
  if (isBad) lines.push(JSON.stringify({ id: 'bad', label: 7 }))
  const answer = await app.call('POST', '/records/tag/import?key=id', {
    text: lines.join('\n'),
    headers: { 'content-type': 'application/x-ndjson', 'x-import-name': 'tags.ndjson' },
  })
  if (isBad && answer.status === 422) {
    book.rolledBack([{ type: 'tag', id: 'bad' }])
    return false
  }
  const isTooLate = answer.status === 422 && /is taken already|by somebody else meanwhile/.test(answer.text)
  if (isTooLate) book.refused()
  if (isTooLate || !isAnswered(answer, book, isBad ? [] : [200])) return false
  const { created, updated } = answer.body.data
  book.imported(created + updated)
  return true
}

/** Who writes, and each one's part of a thousand commits. Two more hold transactions open all along. */
const WRITERS: [act: Act, share: number][] = [
  ...Array.from({ length: 6 }, (): [Act, number] => [transaction, 80]),
  ...Array.from({ length: 4 }, (): [Act, number] => [route, 70]),
  [bulkEdit, 20],
  [bulkEdit, 20],
  [importFile, 15],
  [importFile, 15],
  [bulkStatement, 20],
  [move, 60],
  [otherTenant, 50],
  [phoenix, 40],
]

/** Transactions that are open while everybody else writes, here and in another database of the cluster. */
const holdOpen = async ({ database }: TestApp, book: Book) => {
  const here = await open(database.url)
  await here.query('begin')
  const made = await write(here, 'task', 'created', INSERT_TASK, ['acme', 1, 'held open all along'])
  made.push(...(await write(here, 'tag', 'created', `insert into tags (id, label) values ('held', 'open')`)))
  const renamed = `update projects set name = 'held' where id = ${HELD_PROJECT}`
  made.push(...(await write(here, 'project', 'updated', renamed)))
  const url = new URL(database.url)
  url.pathname = '/postgres'
  const elsewhere = await open(url.href)
  await elsewhere.query('begin isolation level repeatable read')
  await elsewhere.query('select pg_current_xact_id()')
  return async () => {
    await here.query('commit')
    book.commit(made)
    await elsewhere.query('rollback')
  }
}

/** Lets all of them write until each has made its share of `commits`, at least for `holdMs`; the held one commits last. */
export const writeAll = async (
  app: TestApp,
  book: Book,
  { seed, commits, holdMs }: { seed: number; commits: number; holdMs: number },
): Promise<void> => {
  const begun = performance.now()
  const release = await holdOpen(app, book)
  await Promise.all(
    WRITERS.map(async ([act, share], at) => {
      const random = randomOf(seed * 1_000 + at)
      const client = await open(app.database.url)
      let texts = 0
      const text = () => `writer ${at}, ${texts++}`
      for (let left = Math.ceil((share * commits) / 1_000); left > 0; ) {
        if (await act({ app, book, random, client, text })) left -= 1
      }
    }),
  )
  await pause(Math.max(0, holdMs - (performance.now() - begun)))
  await release()
}

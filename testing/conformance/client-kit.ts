// Two simulated people edit the same records by real clients, on lines that are cut, slowed down and lose answers; an oracle knows what
// each save was answered, and at the end both people must see what SQL has.
import assert from 'node:assert/strict'
import type { CreateTransport, RecordStore, TransportKind } from 'noclobber/client'
import { createFastClock } from '../app/clocks.ts'
import type { TestDatabaseOptions } from '../app/test-database.ts'
import type { ClientOptions, TestPerson, TransportSetup } from '../app/test-person.ts'
import type { TestServer } from '../app/test-server.ts'
import { waitFor } from '../app/wait-for.ts'
import { createKit, createOnce, type Kit } from './check.ts'
import { randomOf } from './random.ts'
import { startWorld } from './world.ts'

/** What {@link clientKit} takes. */
export interface ClientKitOptions {
  /** The transports that the clients use; `[]`: versions are polled. Default: the client's own. */
  transports?: TransportKind[]
  /** Another transport, instead of all of these. */
  create?: (setup: TransportSetup) => CreateTransport
  /** Rounds of the run; in each one person acts. Default 40. */
  rounds?: number
  /** Repeats a run. Default: another one each time; a failure names it. */
  seed?: number
  /** Where the kit's database is made. Default: on an embedded PostgreSQL. */
  database?: TestDatabaseOptions
}

interface Document {
  name: string
  body: string
}

type Editor = RecordStore<Document>

/** What was answered: by record and version, the only value that this version can have. */
type Book = Map<string, { name: string; by: string }>

const optionsOf = ({ transports, create }: ClientKitOptions): ClientOptions => ({
  clock: createFastClock(),
  onStale: 'reject',
  ...(transports && { transports }),
  ...(create && { transport: create }),
})

const enter = (book: Book, id: string, version: number, name: string, by: string) => {
  const key = `${id} v${version}`
  const known = book.get(key)
  assert.ok(
    !known || known.name === name,
    `version ${version} of ${id} was given to ${known?.by} and to ${by}`,
  )
  book.set(key, { name, by })
}

/** Saves what is typed; one who is in conflict looks at the newest version and lets go of the own text. */
const saveOnce = async (editor: Editor, name: string, by: string, book: Book): Promise<void> => {
  editor.change('name', name)
  const outcome = await editor.save()
  if (outcome?.outcome === 'saved')
    enter(book, editor.id, outcome.record.version, outcome.record.fields.name, by)
  else if (outcome?.outcome === 'conflict') {
    const { current, client_version: base } = outcome.problem
    assert.ok(current.version > base, `a save from version ${base} was refused by version ${current.version}`)
    editor.closeConflict()
    editor.discard()
  }
}

/** Shown versions never go back. */
const watchShown = (editor: Editor, trouble: string[], by: string) => {
  let last = 0
  return editor.subscribe(() => {
    const version = editor.get().record?.version ?? last
    if (version < last) trouble.push(`${by} saw version ${version} of ${editor.id} after version ${last}`)
    last = version
  })
}

const FAULTS: ((person: TestPerson) => void)[] = [
  ({ line }) => line.cut(),
  ({ line }) => line.dropAnswers(),
  ({ line }) => line.slow(20),
  ({ line }) => line.mend(),
  ({ line }) => line.mend(),
]

async function runTwoPeople(server: TestServer, options: ClientKitOptions, seed: number): Promise<void> {
  const random = randomOf(seed)
  const documents = await Promise.all(
    [1, 2].map(() => server.create('document', { name: 'start', body: '' })),
  )
  const book: Book = new Map()
  const trouble: string[] = []
  const names = ['alice', 'bob']
  const people = await Promise.all(names.map((name) => server.open(name, optionsOf(options))))
  const editors = await Promise.all(
    people.map((person) => Promise.all(documents.map(({ id }) => person.edit<Document>('document', id)))),
  )
  const stops = editors.flatMap((own, at) =>
    own.map((editor) => watchShown(editor, trouble, names[at] ?? '')),
  )
  try {
    for (let round = 0; round < (options.rounds ?? 40); round++) {
      const at = random.below(2)
      const editor = editors[at]?.[random.below(documents.length)] as Editor
      if (random.next() < 0.3) FAULTS[random.below(FAULTS.length)]?.(people[at] as TestPerson)
      if (random.next() < 0.2)
        await server
          .knex('documents')
          .where({ id: editor.id })
          .update({ body: `sql ${round}` })
      else await saveOnce(editor, `${names[at]} ${round}`, names[at] ?? '', book)
    }
    for (const { line } of people) line.mend()
    await waitFor(() => haveConverged(server, editors.flat()), {
      what: async () => `both people to see what SQL has: ${await differences(server, editors.flat())}`,
      deadlineMs: 30_000,
    })
  } finally {
    for (const stop of stops) stop()
    for (const person of people) await person.close()
  }
  assert.deepEqual(trouble, [])
  await judge(
    server,
    documents.map(({ id }) => id),
    book,
  )
}

const truthOf = async (server: TestServer, id: string) => {
  const { name, body, version } = await server.knex('documents').where({ id }).first()
  return { name, body, version: Number(version) }
}

const shownBy = (editor: Editor) => {
  const { record, draft } = editor.get()
  return {
    name: record?.fields.name,
    body: record?.fields.body,
    version: record?.version,
    typed: Object.keys(draft).length,
  }
}

/** What a person does in the end: a save without an answer is tried again, and what is still typed after that is discarded. */
const haveConverged = async (server: TestServer, editors: Editor[]): Promise<boolean> => {
  for (const editor of editors) {
    const { status } = editor.get()
    if (status === 'offline') editor.retry()
    if (status === 'conflicted' || status === 'dirty' || status === 'behind') editor.discard()
  }
  return (await differences(server, editors)) === ''
}

const differences = async (server: TestServer, editors: Editor[]): Promise<string> => {
  const wrong: string[] = []
  for (const editor of editors) {
    const [seen, truth] = [
      JSON.stringify(shownBy(editor)),
      JSON.stringify({ ...(await truthOf(server, editor.id)), typed: 0 }),
    ]
    if (seen !== truth)
      wrong.push(`record ${editor.id} is ${truth} and shown as ${seen} (${editor.get().status})`)
  }
  return wrong.join('; ')
}

/** Each version is one person's, and the last one that anybody was answered is in the table. */
const judge = async (server: TestServer, ids: string[], book: Book): Promise<void> => {
  for (const id of ids) {
    const { rows } = await server.knex.raw(
      `select version, updated_by->>'name' as by from noclobber.changes where table_name like '%documents' and record_id = ? order by version`,
      [id],
    )
    const versions = rows.map(({ version }: { version: string }) => Number(version))
    assert.deepEqual(
      versions,
      versions.map((_: number, at: number) => at + 1),
      `the versions of ${id}`,
    )
    for (const [key, { name, by }] of book) {
      const [, version] = key.split(' v')
      if (!key.startsWith(`${id} `)) continue
      const row = rows.find((one: { version: string }) => String(one.version) === version)
      assert.equal(row?.by, by, `version ${version} of ${id} was answered to ${by} as "${name}"`)
    }
  }
}

/**
 * Two people, their clients and their faulty lines: whether a transport, or no transport at all, lets both converge on what SQL has,
 * without a lost update and without a version shown going back.
 *
 * @example
 * for (const { name, run } of clientKit({ transports: ['event_stream'] }).checks) test(name, run)
 */
export function clientKit(options: ClientKitOptions = {}): Kit {
  const world = createOnce(() => startWorld(options.database))
  return createKit(
    {
      'two people converge on what SQL has, whatever their lines do': async () => {
        const seed = options.seed ?? Math.floor(Math.random() * 2 ** 32)
        try {
          await runTwoPeople(await world.get(), options, seed)
        } catch (error) {
          throw new Error(`With the seed ${seed}: ${error instanceof Error ? error.message : error}`, {
            cause: error,
          })
        }
      },
    },
    world.stop,
  )
}

// How far an import is, as watchers of a list of the type receive it: on every node, by every wire, and nobody else.
import { request } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import type { ImportingEvent } from 'noclobber/server'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { startApp, type TestApp } from '../../support/app.ts'
import { openStream } from '../../support/app-stream.ts'
import { isWithout } from '../../support/programs.ts'
import { redisClient, startRedis } from '../../support/redis.ts'
import { waitFor } from '../../support/wait-for.ts'

let app: TestApp
beforeAll(async () => {
  app = await startApp({ limits: { importsPerPerson: 4 } })
})

const ROWS = 300

/** An upload that is written piece by piece, so that it takes as long as it is let. */
const upload = ({ origin }: TestApp, type: string, query = '', head = 'name') => {
  const sent = request(`${origin}/api/v1/records/${type}/import?key=&${query}`, {
    method: 'POST',
    headers: { authorization: 'Bearer alice', 'content-type': 'text/csv', 'x-tab-id': 'tab-of-alice' },
  })
  onTestFinished(() => void sent.destroy())
  sent.on('error', () => {})
  const answered = new Promise<number>((resolve) => {
    sent.on('response', (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
  })
  const more = (row: string) => sent.write(`${row}\n`.repeat(ROWS))
  sent.write(`${head}\n`)
  return { more, end: (rest = '') => sent.end(rest), answered, drop: () => sent.destroy() }
}

type Received = { name: string; event: ImportingEvent }[]
const importing = (received: { name: string; event: unknown }[]) =>
  (received as Received).filter(({ name }) => name === 'RecordsImporting').map(({ event }) => event)

/** Rows flow until everybody named has received them. */
const flowUntilReceived = async (more: (row: string) => void, received: (() => unknown[])[], row = 'Row') => {
  await waitFor(
    () => {
      more(row)
      return new Promise((resolve) =>
        setTimeout(
          resolve,
          50,
          received.every((of) => of().length > 0),
        ),
      )
    },
    { what: 'news of the import', deadlineMs: 20_000 },
  )
}

test('who watches the list receives its progress, and its end; who watches another, or a record, does not', async () => {
  const [vera, elsewhere, beside] = await Promise.all([
    app.socket({ as: 'vera' }),
    app.socket({ as: 'gina' }),
    app.socket({ as: 'bob' }),
  ])
  const stream = await openStream(app.origin, 'list=project')
  await vera.watchList('project')
  await elsewhere.watchList('project')
  await beside.watchList('task')
  const { more, end, answered } = upload(app, 'project')
  await flowUntilReceived(more, [() => importing(vera.received)])
  await stream.receives('RecordsImporting')
  const [first] = importing(vera.received)
  expect(first).toEqual({
    ...{ tenant_id: 'acme', type: 'project', phase: 'reading', total_bytes: null, written: 0 },
    import_id: expect.any(String),
    rows: expect.any(Number),
    bytes: expect.any(Number),
    updated_by: { id: 'alice', name: 'Alice', kind: 'user' },
    tab_id: null,
  })
  expect(first?.rows).toBeGreaterThan(0)
  end()
  expect(await answered).toBe(200)
  const imported = await vera.receives('RecordsImported')
  expect(imported.import_id).toBe(first?.import_id)
  await waitFor(() => importing(vera.received).at(-1)?.phase === 'ended', { what: 'the end' })
  for (const other of [elsewhere, beside]) expect(importing(await other.flushed())).toEqual([])
})

test('an import by the app itself sends its progress too', async () => {
  const [vera, alice] = [await app.socket({ as: 'vera' }), await app.socket({ as: 'alice' })]
  for (const watcher of [vera, alice]) await watcher.watchList('project')
  const input = async function* () {
    yield Buffer.from('name\n')
    for (let n = 0; n < 1_000 && importing(vera.received).length === 0; n += 1) {
      yield Buffer.from('Row\n'.repeat(ROWS))
      await pause(20)
    }
  }
  const imported = await app.records.import('project', {
    ...{ actor: app.people.get('alice') as never, tabId: 'tab-of-alice', key: null },
    ...{ input: input(), format: 'csv' },
  })
  const { import_id } = (imported as { answer: { import_id: string } }).answer
  await vera.receives('RecordsImporting', { import_id, phase: 'ended' })
  await vera.receives('RecordsImported', { import_id })
  await alice.receives('RecordsImporting', { import_id, phase: 'ended' })
  expect(importing(vera.received)[0]).toMatchObject({ import_id, tab_id: null, total_bytes: null })
  expect(importing(alice.received)[0]).toMatchObject({ import_id, tab_id: 'tab-of-alice' })
})

test('a refused import, and one that was given up, end for the watchers too', async () => {
  const vera = await app.socket({ as: 'vera' })
  await vera.watchList('project')
  const refused = upload(app, 'project')
  await flowUntilReceived(refused.more, [() => importing(vera.received)])
  refused.end('""\n')
  expect(await refused.answered).toBe(422)
  await waitFor(() => importing(vera.received).at(-1)?.phase === 'ended', { what: 'the end' })
  await vera.forget()
  const given = upload(app, 'project')
  await flowUntilReceived(given.more, [() => importing(vera.received)])
  given.drop()
  await waitFor(() => importing(vera.received).at(-1)?.phase === 'ended', { what: 'the end' })
})

test('a dry run is nobody’s business, nor is an import of what is authorized record by record', async () => {
  const vera = await app.socket({ as: 'vera' })
  await vera.watchList('project')
  await vera.watchList('note')
  const witness = await app.socket({ as: 'bob' })
  await witness.watchList('task')
  const dry = upload(app, 'project', 'dry_run=1')
  const notes = upload(app, 'note', '', 'owner')
  const tasks = upload(app, 'task', '', 'project_id,title')
  const more = () => {
    dry.more('Row')
    notes.more('alice')
    tasks.more('1,Row')
  }
  await flowUntilReceived(more, [() => importing(witness.received)])
  expect(importing(await vera.flushed())).toEqual([])
  for (const { end } of [dry, notes, tasks]) end()
  expect(await Promise.all([dry, notes, tasks].map(({ answered }) => answered))).toEqual([200, 200, 200])
})

describe.skipIf(isWithout('redis'))('with another node', () => {
  test('its watchers receive it too', async () => {
    const { url } = await startRedis()
    const redis = () => redisClient(url)
    const here = await startApp({ redis })
    const there = await startApp({ database: here.database, redis })
    const vera = await there.socket({ as: 'vera' })
    await vera.watchList('project')
    const { more, end, answered } = upload(here, 'project')
    await flowUntilReceived(more, [() => importing(vera.received)])
    end()
    expect(await answered).toBe(200)
    await waitFor(() => importing(vera.received).at(-1)?.phase === 'ended', { what: 'the end' })
  })
})

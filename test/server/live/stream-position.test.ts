// The ids of an event stream, each as a place to go on from: whatever lay before it was sent before it, and whatever
// came after it is sent to anyone who comes back with it, in the middle of a long transaction too.
import { beforeAll, expect, it } from 'vitest'
import { startApp, type TestApp } from '../../support/app.ts'
import { openStream } from '../../support/app-stream.ts'

/** In pages of three, so that a few changes make a batch of several. */
const FEED_BATCH = 3
const BULK = 20

let app: TestApp
beforeAll(async () => {
  app = await startApp({ limits: { feedBatch: FEED_BATCH } })
})

/** The ids that a stream gave, oldest first. */
const idsIn = (text: string) => [...text.matchAll(/^id: (.+)$/gm)].map(([, id]) => id as string)

const addTags = async (name: string, count: number) => {
  await app.sql(`insert into tags (id) select ? || n from generate_series(1, ${count}) n`, [name])
  return Array.from({ length: count }, (_, at) => `${name}${at + 1}`)
}

it('comes back from the middle of a long transaction to all of it, and to all that came after', async () => {
  const first = await openStream(app.origin, 'list=tag')
  await first.receives('Watching')
  const early = await addTags('early-', 10)
  await first.receives('RecordCreated', { id: 'early-10' })
  const ids = idsIn(first.text())
  first.cut()
  const late = await addTags('late-', 2)
  expect(ids.length).toBeGreaterThan(3)

  for (const [at, after] of ids.entries()) {
    const reader = await openStream(app.origin, 'list=tag', { after })
    const next = await addTags(`next-${at}-`, 1)
    await reader.receives('RecordCreated', { id: next[0] })
    const received = reader.received.flatMap(({ name, event }) =>
      name === 'RecordCreated' ? [event.id] : [],
    )
    const sent = early.slice(Math.min(early.length, at * FEED_BATCH))
    expect(received).toEqual(expect.arrayContaining([...sent, ...late, ...next]))
    expect(reader.received.filter(({ name }) => name === 'Resync')).toEqual([])
    reader.cut()
  }
})

it('gives no id before an import of records of which only some may be read', async () => {
  const { origin } = await startApp({ database: app.database, limits: { bulkThreshold: BULK } })
  const first = await openStream(origin, 'list=note')
  await first.receives('Watching')
  const after = first.lastId()
  first.cut()
  await app.sql(`insert into notes (tenant_id, owner, body)
    select 'acme', 'alice', 'Note ' || n from generate_series(1, ${2 * BULK}) n`)
  const reader = await openStream(origin, 'list=note', { after })
  await reader.receives('RecordsImported')
  const [before = ''] = reader.text().split('event: RecordsImported')
  const end = before.lastIndexOf('\n\n')
  expect(idsIn(before.slice(0, end)), 'ids of the catching up that come before it').toEqual([])
  reader.cut()
})

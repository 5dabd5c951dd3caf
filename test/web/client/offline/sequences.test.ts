// Generated sequences of creations, children, edits, deletions and bulk edits, over a network that loses requests and answers,
// by pages that end at any point: the real database says that nothing was lost, nothing was done twice, and what is shown is
// what is there. The full size is `npm run soak -- sequences`.

import { createMemoryStorage, createOffline, type QueuedRequest } from 'noclobber/offline'
import { expect, onTestFinished, test } from 'vitest'
import type { CreatedId } from '../../../../web/client/offline/created-ids.ts'
import { createFastClock } from '../../../support/clocks.ts'
import { type Random, randomOf } from '../../../support/random.ts'
import { waitFor } from '../../../support/wait-for.ts'
import { createTabs } from '../browser-tabs.ts'
import { type Project, startLiveServer } from '../live-server.ts'

const SEQUENCES = Number(process.env.NOCLOBBER_SEQUENCES ?? 8)
const SEED = Number(process.env.NOCLOBBER_SEED ?? Date.now() % 2 ** 31)
const AT_ONCE = 4
const STEPS = 14
/** Whether edits that later writes meet are all there is asked in the full size alone. */
const IS_SOAK = process.env.NOCLOBBER_SEQUENCES !== undefined

const server = await startLiveServer()
await server.sql(`create table done (what text, name text, value text);
  create function count_done() returns trigger language plpgsql as $$ begin
    if tg_op = 'INSERT' then insert into done values ('created', new.name, new.notes);
    elsif tg_op = 'DELETE' then insert into done values ('deleted', old.name, '');
    end if;
    if tg_op = 'UPDATE' and new.notes <> old.notes then insert into done values ('edited', new.name, new.notes); end if;
    if tg_op = 'UPDATE' and new.status <> old.status then insert into done values ('bulk', new.name, new.status); end if;
    return null; end $$;
  create trigger count_done after insert or update or delete on projects for each row execute function count_done()`)

/** What waits for time, as retries do, waits a twentieth of it. */
const hastyClock = createFastClock(20)

/** What a person has done to one record. */
interface Made {
  name: string
  id: string
  version: number
  /** The page has said that it is kept, or done. */
  isPromised: boolean
  parent: string | null
  edits: string[]
  /** The last edit that was tried, promised or not: it may have replaced the ones before. */
  lastEdit: string
  bulks: string[]
  isDeleted: boolean
}

const faults = { lostRequests: 0, lostAnswers: 0, cuts: 0, writes: 0, localIds: 0 }

function createPerson(person: string, random: Random) {
  const tabs = createTabs()
  const storage = createMemoryStorage()
  const requests = createMemoryStorage<QueuedRequest>()
  const created = createMemoryStorage<CreatedId>()
  const network = { isDown: false, isGood: false }
  const faulty: typeof fetch = async (input, init) => {
    const isWrite = init?.method !== 'GET'
    if (/%00|\\u0000/.test(`${input} ${init?.body}`)) faults.localIds += 1
    const luck = network.isGood ? 1 : random()
    if (network.isDown || luck < 0.1) {
      faults.lostRequests += 1
      throw new TypeError('the request was lost')
    }
    const answer = await fetch(input, init)
    await answer.clone().arrayBuffer()
    if (isWrite) faults.writes += 1
    if (isWrite && luck < 0.4) {
      faults.lostAnswers += 1
      throw new TypeError('the answer was lost')
    }
    return answer
  }
  const openPage = () => {
    const offline = createOffline({ storage, requests, created, tabs })
    const client = server.openTab(person, {
      ...{ offline, userId: () => person, fetch: faulty, clock: hastyClock, timeoutMs: 600_000 },
      transports: [],
    })
    return { offline, client }
  }
  return { network, openPage, storage, requests }
}

async function play(seed: number): Promise<string[]> {
  const random = randomOf(seed)
  const person = `q${seed}`
  const { network, openPage, storage, requests: asked } = createPerson(person, random)
  const made: Made[] = []
  let page = openPage()
  onTestFinished(() => page.client.close())
  const isAlive = () => made.filter(({ isDeleted, id }) => !isDeleted && id !== '')
  const cutNow = () => {
    faults.cuts += 1
    page.client.close()
    page = openPage()
  }

  async function create(number: number) {
    const parent = random() < 0.5 ? (isAlive()[0] ?? null) : null
    const name = `${person}-${number}`
    const one: Made = {
      ...{ name, id: '', version: 0, isPromised: false, parent: parent?.name ?? null },
      ...{ edits: [], lastEdit: '', bulks: [], isDeleted: false },
    }
    made.push(one)
    const fields = { name, status: 'planned', budget: null, links: { up: parent?.id ?? '' } }
    const outcome = await page.offline.create<Project>('project', fields)
    if (outcome.outcome === 'unauthenticated') return
    Object.assign(one, {
      id: outcome.record.id,
      version: outcome.record.version,
      isPromised: outcome.outcome === 'created' || outcome.isKept,
    })
  }

  async function edit(one: Made, number: number) {
    const at = page
    const editor = at.client.editor<Project>('project', one.id)
    const stop = editor.subscribe(() => {})
    const until = Date.now() + 150
    await waitFor(() => editor.get().record || Date.now() > until, { what: 'the record, or time' })
    const { status, record } = editor.get()
    if (record && status !== 'conflicted' && status !== 'gone' && status !== 'saving') {
      const value = `edit ${number} of ${person}`
      one.lastEdit = value
      editor.change('notes', value)
      const outcome = await editor.save()
      const { trouble } = editor.get()
      const isKept = trouble?.kind === 'unreachable' && trouble.isKept
      if (outcome?.outcome === 'saved' || (isKept && at === page)) one.edits.push(value)
    }
    stop()
  }

  async function bulk(number: number) {
    const some = isAlive().filter(() => random() < 0.5)
    const value = `bulk ${number} of ${person}`
    const records = some.map(({ id, version }) => ({ id, version, fields: {} }))
    if (records.length === 0) return
    const label = `Bulk ${number}`
    const outcome = await page.offline.saveMany('project', { changes: { status: value }, records, label })
    if (outcome.outcome === 'saved' || (outcome.outcome === 'queued' && outcome.isKept))
      for (const one of some) one.bulks.push(value)
  }

  async function remove(one: Made) {
    const row = {
      type: 'project',
      id: one.id,
      version: one.version,
      updated_at: '',
      updated_by: null,
      fields: {},
    }
    const outcome = await page.offline.remove(row)
    one.isDeleted = outcome.outcome === 'removed' || (outcome.outcome === 'queued' && outcome.isKept)
  }

  for (let number = 0; number < STEPS; number++) {
    network.isDown = random() < 0.4
    const kind = random.below(10)
    const one = isAlive()[random.below(Math.max(1, isAlive().length))]
    const step =
      kind < 4 || !one ? create(number) : kind < 7 ? edit(one, number) : kind < 9 ? bulk(number) : remove(one)
    if (random() < 0.3) {
      for (let turns = random.below(40); turns > 0; turns--) await Promise.resolve()
      cutNow()
    }
    await step
  }

  Object.assign(network, { isDown: false, isGood: true })
  cutNow()
  /** What has no answer yet. A bulk edit's stale rows become edits, so the requests are counted first. */
  const waiting = async () => {
    const open = [...(await asked.all(person)), ...page.offline.unsent.get().requests]
    const edits = [...(await storage.all(person)), ...page.offline.unsent.get().entries]
    return (
      open.filter(({ refusal }) => refusal === null).length +
      edits.filter((entry) => entry.edits.unanswered && !entry.trouble).length
    )
  }
  await waitFor(
    async () => {
      page.offline.retry()
      return (await waiting()) + (await waiting()) === 0
    },
    { what: () => `seed ${seed}: ${JSON.stringify(page.offline.unsent.get(), null, 1)}`, deadlineMs: 60_000 },
  )

  const list = page.client.liveList('project', {})
  const stop = list.subscribe(() => {})
  await waitFor(() => list.get().status === 'ready', {
    ...{ what: () => `seed ${seed}: the list, ${list.get().status}`, deadlineMs: 60_000 },
  })
  const check = async (): Promise<string[]> => {
    const { entries, requests } = page.offline.unsent.get()
    const kept = JSON.stringify([entries, requests])
    const rows: { id: string; name: string; status: string; notes: string; links: { up: string } }[] = (
      await server.sql(
        `select id::text, name, status, notes, links from projects where name like '${person}-%'`,
      )
    ).rows
    const done: { what: string; name: string; value: string; times: number }[] = (
      await server.sql(`select what, name, value, count(*)::int as times from done where name like '${person}-%'
      group by what, name, value`)
    ).rows
    const times = (what: string, name: string, value = '') =>
      done.find((one) => one.what === what && one.name === name && one.value === value)?.times ?? 0
    const wrong: string[] = []
    for (const { what, name, value, times: found } of done)
      if (found > 1) wrong.push(`seed ${seed}: ${what} ${name} ${value} ${found} times`)
    for (const { id, name, isPromised, parent, edits, lastEdit, bulks, isDeleted } of made) {
      const row = rows.find((each) => each.name === name)
      const isGone = times('deleted', name) > 0
      if (isPromised && times('created', name) !== 1 && !kept.includes(name) && !isDeleted)
        wrong.push(`seed ${seed}: ${name} was created ${times('created', name)} times`)
      const isOffered = entries.some(
        (entry) =>
          [id, row?.id].includes(entry.id) &&
          [entry.edits.unanswered?.kind, entry.edits.next?.kind].includes('remove'),
      )
      if (isDeleted && row && !isOffered) wrong.push(`seed ${seed}: ${name} is still there`)
      if (row && parent !== null && row.links.up !== '') {
        const above = rows.find((each) => each.name === parent)
        if (above ? row.links.up !== above.id : row.links.up.startsWith('\u0000'))
          wrong.push(`seed ${seed}: ${name} belongs to ${row.links.up}, not to ${parent}`)
      }
      const isThere = (what: string, value: string) =>
        isGone || isDeleted || times(what, name, value) === 1 || kept.includes(value)
      for (const value of IS_SOAK ? edits.filter((each) => each === lastEdit) : [])
        if (!isThere('edited', value)) wrong.push(`seed ${seed}: ${value} at ${name} is lost`)
      // Of several, the last replaces the ones before, or waits beside one of them.
      for (const value of IS_SOAK && bulks.length === 1 ? bulks : [])
        if (!isThere('bulk', value)) wrong.push(`seed ${seed}: ${value} at ${name} is lost`)
    }
    await list.reload()
    const shown = [...list.get().byId.values()].filter(({ fields }) =>
      String(fields.name).startsWith(`${person}-`),
    )
    const asOne = (all: { id: string; status: unknown; notes: unknown }[]) =>
      all
        .map(({ id, status, notes }) => `${id} ${status} ${notes}`)
        .sort()
        .join('\n')
    if (
      asOne(shown.map(({ id, fields }) => ({ id, status: fields.status, notes: fields.notes }))) !==
      asOne(rows)
    )
      wrong.push(`seed ${seed}: the list shows something else than there is`)
    return wrong
  }
  // What was answered last may be on its way into the list and out of storage.
  let wrong = await check()
  for (let again = 0; again < 20 && wrong.length > 0; again++) {
    await new Promise((resolve) => setTimeout(resolve, 250))
    wrong = await check()
  }
  stop()
  page.client.close()
  // The lists of the sequences that follow would hold them.
  await server.sql(`delete from projects where name like '${person}-%'`)
  await server.sql(`delete from done where name like '${person}-%'`)
  return wrong
}

test(`${SEQUENCES} sequences of writes, cut at any point: none is lost, none is done twice`, {
  tags: 'fault:client-offline',
  timeout: 3_600_000,
}, async () => {
  const wrong: string[] = []
  const seeds = Array.from({ length: SEQUENCES }, (_, index) => SEED + index)
  const next = async () => {
    for (let seed = seeds.shift(); seed !== undefined; seed = seeds.shift()) wrong.push(...(await play(seed)))
  }
  await Promise.all(Array.from({ length: AT_ONCE }, next))
  expect(wrong).toEqual([])
  expect(faults.localIds).toBe(0)
  expect(faults.lostAnswers).toBeGreaterThan(SEQUENCES)
  expect(faults.cuts).toBeGreaterThan(SEQUENCES)
})

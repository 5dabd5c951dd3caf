// Schedules of saves and of databases whose history goes back, on two nodes with pages of every kind. Each gives what went
// wrong: a version that is two contents, a save over what nobody saw, a permission of a lost row, a commit that was not
// delivered, a page that shows something else than SQL, a lost save of one's own that nobody offers again, a lost word.
import { setTimeout as pause } from 'node:timers/promises'
import { migrate } from '../../migrations/index.ts'
import { newestKnown } from '../../web/client/record/remote-versions.ts'
import { startApp, type TestApp, trackTables } from './app.ts'
import { startSystemCluster } from './clusters.ts'
import { startFaultProxy } from './fault-proxy.ts'
import { createBook, type Seen } from './history-book.ts'
import { KINDS, type KindName, type Servers } from './history-kinds.ts'
import { openPages, PEOPLE, type Project } from './history-pages.ts'
import type { Random } from './random.ts'
import { withKnex } from './restore.ts'
import { waitFor } from './wait-for.ts'

interface Played {
  wrong: string[]
  /** From the database's return until every page showed what SQL has. */
  rightMs: number
  /** Who was right last. */
  last: string
  /** Saves that had been answered, and were lost. */
  lost: number
}

export interface HistoryPlay {
  servers: Servers
  play(random: Random, kind: KindName): Promise<Played>
}

/** Pages right later than this are written down; a loaded machine may need longer than the ten seconds that are promised. */
const RIGHT_MS = 60_000
const ENOUGH_ANSWERS = 4

/** `speed`: how much faster than the clock the pages' timers run. */
export const startHistoryPlay = async ({ speed }: { speed: number }): Promise<HistoryPlay> => {
  const { cluster, archive } = await startSystemCluster()
  await withKnex(cluster.url(), async (knex) => {
    await migrate(knex)
    await trackTables(knex)
  })
  const proxies = [await startFaultProxy(cluster.port()), await startFaultProxy(cluster.port())] as const
  const node = (proxy: (typeof proxies)[number]) => {
    const url = proxy.urlFor(cluster.url())
    return startApp({ database: { url, name: 'postgres', drop: async () => {} }, awaitStart: false })
  }
  const nodes = [await node(proxies[0]), await node(proxies[1])] as const
  for (const { people, records } of nodes) {
    for (const id of PEOPLE) people.set(id, { id, name: id, tenantId: 'acme', role: 'editor' })
    await records.start()
  }
  const servers: Servers = { primary: cluster, archive, proxies }
  return { servers, play: (random, kind) => playOne(servers, nodes, random, kind, speed) }
}

/** What somebody entered in a page, and what became of it. */
interface Entered {
  person: string
  id: string
  field: keyof Project
  value: string
  /** The version that a save of it was answered. */
  version: number | null
}

async function playOne(
  servers: Servers,
  nodes: readonly [TestApp, TestApp],
  random: Random,
  kind: KindName,
  speed: number,
): Promise<Played> {
  const book = createBook()
  const { wrong } = book
  let words = 0
  const word = (what: string) => `${what} ${++words}`
  const make = async () => {
    const made = await nodes[0].make('project', { name: word('made') })
    book.note(made)
    return String(made.id)
  }
  const ids = [await make(), await make()]
  const ofErin = await make()
  const note = await nodes[0].make('note', { owner: 'bob', body: 'made' }, 'bob')
  const secret = String(note.id)
  const opened = await openPages(nodes, ids, ofErin, speed)
  const { pages, lists, erin, followed } = opened
  const everyId = [...ids, ofErin]
  const entered: Entered[] = []
  const unanswered: Promise<unknown>[] = []

  const sql = <T>(text: string) => servers.primary.sql(text) as Promise<T[]>
  const rows = async () =>
    new Map(
      (
        await sql<{ id: string; version: number; name: string; notes: string }>(
          `select id::text, version::float8 as version, name, notes from projects where id in (${everyId})`,
        )
      ).map((row) => [row.id, row]),
    )

  let last = ''
  const isRight = async () => {
    const truth = await rows()
    const pageIs = ({ id, editor }: (typeof pages)[number]) => {
      const { record, draft, conflict, status, trouble } = editor.get()
      const version = truth.get(id)?.version
      const isQuiet = Object.keys(draft).length === 0 && !conflict
      const isCut = trouble?.kind === 'unreachable' && trouble.during === 'load'
      if (newestKnown(editor.get()) !== version || isCut || status === 'gone') return false
      return !isQuiet || (record?.version === version && record.fields.name === truth.get(id)?.name)
    }
    const isListed = (id: string) =>
      lists.every((list) => list.get().byId.get(id)?.version === truth.get(id)?.version)
    const isFollowed = (id: string) => followed.held.get(id) === truth.get(id)?.version
    const late = pages.find((page) => !pageIs(page))
    if (late) last = late.person
    else if (!everyId.every(isListed)) last = 'a list'
    else if (!everyId.every(isFollowed)) last = 'who follows'
    return !late && everyId.every(isListed) && everyId.every(isFollowed)
  }
  const howItStands = async () =>
    `every page to be right after ${kind}: SQL ${[...(await rows())].map(([id, { version }]) => `${id} v${version}`)}; pages ${pages.map(({ person, id, editor }) => `${person} ${id} ${editor.get().status} v${editor.get().record?.version} newest ${newestKnown(editor.get())}`)}; lists ${lists.map((list) => everyId.map((id) => list.get().byId.get(id)?.version))}; followed ${everyId.map((id) => followed.held.get(id))}`
  const right = () => waitFor(isRight, { what: howItStands, deadlineMs: RIGHT_MS })

  const enter = (page: (typeof pages)[number], field: keyof Project) => {
    const value = word(`${page.person}’s`)
    const entry: Entered = { person: page.person, id: page.id, field, value, version: null }
    entered.push(entry)
    page.editor.change(field, value)
    return entry
  }
  const saveIn = async (page: (typeof pages)[number]) => {
    const entry = enter(page, random.pick(['name', 'notes']))
    const outcome = await page.editor.save()
    if (outcome?.outcome !== 'saved') return
    // With it went what was typed before.
    for (const each of entered)
      if (each.person === entry.person && each.id === entry.id) each.version ??= outcome.record.version
    // An editor may have merged it with what it was refused for: what it is built on then is another version.
    book.note(outcome.record as unknown as Seen)
  }
  /** A save without a page, on a version that was held; gives whether there was an answer. */
  const saveBy = async (node: TestApp, person: string, base: Seen, isMerging: boolean) => {
    const changes = { [random.pick(['name', 'notes'])]: word(`${person}’s`) }
    const body = { client_version: base.version, changes, ...(isMerging && { on_stale: 'merge' }) }
    const answer = await node
      .call('PATCH', `/records/project/${base.id}`, { as: person, body })
      .catch(() => null)
    if (answer?.status === 200) book.noteSave(base, changes, answer.body.data, answer.body.merged_fields)
    else if (answer?.status === 409) book.note(answer.body.current)
    else if (answer && answer.status !== 503)
      wrong.push(`a save was answered ${answer.status}: ${answer.text}`)
    return answer !== null && answer.status !== 503
  }
  const freshBy = async (node: TestApp, person: string, id: string) => {
    const answer = await node.call('GET', `/records/project/${id}`, { as: person }).catch(() => null)
    if (answer?.status !== 200) return false
    book.note(answer.body.data)
    return saveBy(node, person, answer.body.data, false)
  }
  const someSaves = async (most: number) => {
    for (let left = 1 + random.below(most); left > 0; left -= 1) {
      const how = random.pick(['page', 'page', 'request', 'by hand'] as const)
      if (how === 'page') await saveIn(random.pick(pages.filter(({ person }) => person !== 'erin')))
      else if (how === 'request') await freshBy(random.pick(nodes), 'frank', random.pick(ids))
      else
        await servers.primary.sql(
          `update projects set notes = '${word('by hand')}' where id = ${random.pick(ids)}`,
        )
    }
  }

  await waitFor(() => pages.every(({ editor }) => editor.get().record), { what: 'the pages' })
  await someSaves(2)
  await right()

  const ofErinPage = pages.find(({ person }) => person === 'erin') as (typeof pages)[number]
  const erins = random.pick(['deaf', 'queued', 'answered'] as const)
  const isWritten = async (value: string) =>
    (await servers.primary.sql(`select from projects where id = ${ofErin} and name = '${value}'`)).length > 0
  const erinSaves = async () => {
    if (erins === 'answered') return saveIn(ofErinPage)
    erin.line.is = erins === 'deaf' ? 'deaf' : 'cut'
    const { value } = enter(ofErinPage, 'name')
    unanswered.push(ofErinPage.editor.save())
    if (erins === 'deaf') await waitFor(() => isWritten(value), { what: 'the save whose answer is lost' })
    erin.line.is = 'cut'
  }

  let given = 0
  /** Bob lets Alice in, and she is there: both nodes have seen that she may. */
  const letIn = async () => {
    const path = `/records/note/${secret}`
    const { body } = await nodes[0].call('PATCH', path, {
      as: 'bob',
      body: { client_version: note.version, changes: { owner: 'alice', body: 'given' } },
    })
    given = body.data.version
    for (const node of nodes) await node.call('GET', path)
    await nodes[0].call('PATCH', path, { body: { client_version: given, changes: { body: 'Alice’s' } } })
  }

  let isOut = false
  let answers = Number.NEGATIVE_INFINITY
  const attack = async (one: () => Promise<boolean>) => {
    for (let answered = 0; answered < ENOUGH_ANSWERS; ) {
      const isAnswered = await one()
      if (isAnswered && answers >= 0) answered += 1
      await pause(20)
    }
  }
  const ofOthers = () => book.held.filter(({ id }) => id !== ofErin)
  const peek = async (node: TestApp) => {
    const path = `/records/note/${secret}`
    const client_version = given + random.below(3)
    const looked = await node.call('GET', path).catch(() => null)
    if (looked?.status === 200 && looked.text.includes('private')) wrong.push(`Alice read ${looked.text}`)
    const written = await node
      .call('PATCH', path, { body: { client_version, changes: { body: 'taken' } } })
      .catch(() => null)
    return written !== null && written.status !== 503
  }
  /** Bob writes into the note as soon as it is Bob’s again. */
  const hide = async (node: TestApp) => {
    const path = `/records/note/${secret}`
    const looked = await node.call('GET', path, { as: 'bob' }).catch(() => null)
    if (looked?.status !== 200) return looked?.status === 404
    const { version } = looked.body.data
    const body = { client_version: version, changes: { body: word('private') } }
    const written = await node.call('PATCH', path, { as: 'bob', body }).catch(() => null)
    return written !== null && written.status !== 503
  }
  let attacks: Promise<void>[] = []

  const statusOfFirst = async () =>
    (await nodes[0].call('GET', `/records/project/${ids[0]}`).catch(() => null))?.status
  await KINDS[kind](servers, {
    reached: async () => {
      await waitFor(async () => (await statusOfFirst()) === 200, { what: 'the first node to be back' })
    },
    refused: async () => {
      await waitFor(async () => (await statusOfFirst()) === 503, { what: 'the first node to refuse' })
      for (let left = 10; left > 0; left -= 1)
        if ((await statusOfFirst()) === 200) wrong.push('a node answered from the primary that was given up')
    },
    lose: async () => {
      await Promise.all([letIn(), erinSaves()])
      await someSaves(4)
      if (random.below(2) === 0) enter(random.pick(pages), 'notes')
    },
    out: () => {
      isOut = true
      const page = random.pick(pages)
      if (random.below(2) === 0 && page.person !== 'erin') unanswered.push(saveIn(page))
      attacks = nodes.flatMap((node) => [
        attack(() => saveBy(node, 'frank', random.pick(ofOthers()), random.below(2) === 0)),
        attack(() => freshBy(node, 'gus', random.pick(ids))),
        attack(() => peek(node)),
        attack(() => hide(node)),
      ])
    },
  })
  const back = performance.now()
  answers = 0
  erin.line.is = 'open'
  await right()
  const rightMs = performance.now() - back
  const lastRight = last
  await Promise.all([...attacks, ...unanswered])
  await right()
  if (!isOut) wrong.push('the database was never away')

  // What the new history knows, and what it doesn't.
  const log = await sql<{ key: string; who: string | null }>(
    `select record_id || ' ' || version as key, updated_by ->> 'id' as who from noclobber.changes
     where table_name = 'public.projects' or (table_name = 'public.notes' and record_id = '${secret}')`,
  )
  const known = new Set(log.map(({ key }) => key))
  const isLost = ({ id, version }: Entered) => version !== null && !known.has(`${id} ${version}`)
  const truth = await rows()

  if (
    !known.has(`${secret} ${given}`) &&
    log.some(({ key, who }) => who === 'alice' && key.startsWith(secret))
  )
    wrong.push('Alice wrote into a note that was never hers')

  const lastOf = new Map(entered.map((entry) => [`${entry.person} ${entry.id} ${entry.field}`, entry]))
  for (const entry of lastOf.values()) {
    const { person, id, field, value, version } = entry
    const editor = pages.find((page) => page.person === person && page.id === id)?.editor
    const isThere = () => {
      const { draft, kept, record } = editor?.get() ?? {}
      if (version !== null && !isLost(entry)) return true
      if (truth.get(id)?.[field] === value || record?.fields[field] === value) return true
      if (version === null) return draft?.[field] === value || kept?.fields[field] === value
      return kept?.fields[field] === value && kept.lost?.fields.includes(field) === true
    }
    const offered = waitFor(isThere, { what: 'the word', deadlineMs: 10_000 })
    await offered.catch(() => {
      const { draft, kept, record, status } = editor?.get() ?? {}
      wrong.push(
        `${person} entered ${value} in ${field} of ${id} (saved as ${version}), and is offered nothing: ${JSON.stringify({ status, draft, kept, record })}`,
      )
    })
  }

  if (erins !== 'answered') {
    await waitFor(() => !['saving', 'offline'].includes(ofErinPage.editor.get().status), {
      what: () => `Erin’s ${erins} save: ${JSON.stringify(ofErinPage.editor.get())}`,
      deadlineMs: RIGHT_MS,
    }).catch(({ message }: Error) => wrong.push(message))
    const written = await sql(
      `select from noclobber.changes where table_name = 'public.projects' and record_id = '${ofErin}' and updated_by ->> 'id' = 'erin'`,
    )
    if (written.length !== 1)
      wrong.push(
        `Erin’s ${erins} save was written ${written.length} times: ${JSON.stringify(ofErinPage.editor.get())}`,
      )
  }

  // Each commit from now on arrives.
  const later: string[] = []
  for (const id of [...everyId, ...ids]) {
    const [row] = await sql<{ version: string }>(
      `update projects set notes = '${word('later')}' where id = ${id} returning version::text`,
    )
    later.push(`${id} ${row?.version}`)
  }
  const missing = () => later.filter((key) => !followed.seen.has(key))
  await waitFor(() => missing().length === 0, {
    what: () => `the program to be given ${missing()}`,
    deadlineMs: 30_000,
  }).catch(({ message }: Error) => wrong.push(message))
  await right()
  for (const { editor } of pages) {
    const { record } = editor.get()
    if (record) book.note(record as unknown as Seen)
  }
  for (const list of lists)
    for (const id of everyId) {
      const row = list.get().byId.get(id)
      if (row) book.note(row as unknown as Seen)
    }

  await opened.close()
  await servers.primary.sql(`delete from projects where id in (${everyId})`)
  return { wrong, rightMs, last: lastRight, lost: entered.filter(isLost).length }
}

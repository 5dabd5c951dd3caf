// People who sign in after each other on one page: what one typed and did not save is never shown to the next, and never
// sent as theirs; it comes back to its owner. On a real server; `NOCLOBBER_CHANGES=2000` is the large run.

import { QueryClient, QueryObserver } from '@tanstack/react-query'
import fc from 'fast-check'
import { createMemoryStorage, createOffline, type EditStorage, type Tabs } from 'noclobber/offline'
import { bindQueries, listQuery, recordQuery } from 'noclobber/tanstack-query'
import { expect, onTestFinished, test } from 'vitest'
import { createCellEditor } from '../../../web/client/list/cell-editor.ts'
import type { RecordClientOptions } from '../../../web/client/record-client-options.ts'
import { createManualClock } from '../../support/clocks.ts'
import { byRun } from '../../support/short-run.ts'
import { waitFor } from '../../support/wait-for.ts'
import { createTabs } from './browser-tabs.ts'
import { type Project, startLiveServer } from './live-server.ts'

const CHANGES = Number(process.env.NOCLOBBER_CHANGES ?? byRun({ short: 40, full: 160 }))
const SEED = Number(process.env.NOCLOBBER_SEED ?? Date.now() % 2 ** 31)
const PEOPLE = ['alice', 'bob', 'carol'] as const
const CHANGES_IN_A_RUN = 8

type Who = (typeof PEOPLE)[number] | null
/** How the client learns who it is: from `userId`, by another token, or from the session of a cookie. */
const WAYS = ['named', 'token', 'cookie'] as const

const server = await startLiveServer()
const ids = await Promise.all(['Bridge', 'Tunnel', 'Quay'].map((name) => server.createProject(name)))

/** A word that only its owner may see until it is saved. */
const WORD = /~(\w+)~\d+~/g
const ownersIn = (text: string): string[] => [...text.matchAll(WORD)].map(([, owner = '']) => owner)

/** Words that their owners have saved: they are everybody's. */
const saved = new Set<string>()
/** Words on their way, by their owners' requests: an event may be here before the answer. */
const underWay = new Map<string, number>()
const count = (word: string, more: number) => underWay.set(word, (underWay.get(word) ?? 0) + more)
const isEverybodys = (word: string) => saved.has(word) || (underWay.get(word) ?? 0) > 0
let words = 0

/** The pages of one browser: all are alive, and notify each other of changes. */
interface PageOptions {
  way: (typeof WAYS)[number]
  storage: EditStorage | null
  session: { who: Who }
  tabs?: Tabs
}

/** One page of a browser, with what was sent wrongly. */
function openPage({ way, storage, session, tabs = createTabs() }: PageOptions) {
  const wrong: string[] = []
  const offline = storage ? createOffline({ storage, tabs }) : null
  const options: RecordClientOptions = {
    ...(way === 'named' ? { userId: () => session.who } : {}),
    ...(offline ? { offline } : {}),
    ...(way === 'cookie' ? { transports: ['event_stream'], shareStream: false } : {}),
    async fetch(input, init) {
      const headers = new Headers(init?.headers)
      if (way === 'cookie' && session.who) headers.set('Authorization', `Bearer ${session.who}`)
      const sender = headers.get('authorization')?.replace('Bearer ', '')
      const body = String(init?.body ?? '')
      const words = init?.method === 'PATCH' ? [...body.matchAll(WORD)] : []
      const sent = words.flatMap(([word, owner]) => (owner === sender ? [word] : []))
      for (const word of sent) count(word, 1)
      // A request that breaks off may have been written: its words stay under way.
      const answer = await fetch(input, { ...init, headers })
      for (const word of sent) {
        if (answer.ok) saved.add(word)
        count(word, -1)
      }
      for (const owner of ownersIn(body))
        if (owner !== sender && answer.status !== 401) wrong.push(`sent by ${sender}: ${body}`)
      return answer
    },
  }
  const token = way === 'cookie' ? () => null : () => session.who
  const client = server.openTab(token, options)
  const list = client.liveList('project')
  const cells = createCellEditor(client, list)
  const editors = ids.map((id) => client.editor<Project>('project', id))
  const queryClient = new QueryClient({ defaultOptions: { queries: { retry: false } } })
  const observers = [
    new QueryObserver(queryClient, listQuery<Project>(client, 'project')),
    ...ids.map((id) => new QueryObserver(queryClient, recordQuery<Project>(client, 'project', id))),
  ]

  /** A cookie that changed beside the page is known with the next answer. */
  let isUnseen = false
  const isVague = () => isUnseen || (session.who === null && way !== 'named')

  /** Nothing unsaved of anybody else is in what can be drawn. */
  function check() {
    if (isVague()) return
    for (const editor of editors) {
      const { draft, kept, writing, unanswered, conflict } = editor.get()
      const mine = JSON.stringify([
        draft,
        kept,
        writing?.changes,
        unanswered?.changes,
        conflict?.client_version,
      ])
      for (const owner of ownersIn(mine))
        if (owner !== session.who) wrong.push(`shown to ${session.who}: ${mine}`)
      const name = String(editor.values().name ?? '')
      for (const [word, owner] of name.matchAll(WORD))
        if (owner !== session.who && !isEverybodys(word)) wrong.push(`shown to ${session.who}: ${name}`)
    }
    for (const owner of ownersIn(JSON.stringify(cells.get()?.value ?? '')))
      if (owner !== session.who) wrong.push(`a cell shown to ${session.who}`)
    const unsent = offline?.unsent.get()
    const entries = JSON.stringify([unsent?.entries, unsent?.discarded])
    for (const [word, owner] of entries.matchAll(WORD))
      if (owner !== session.who && !isEverybodys(word))
        wrong.push(`unsent changes shown to ${session.who}: ${word}`)
    const cached = queryClient.getQueryCache().getAll()
    for (const [word, owner] of JSON.stringify(cached.map(({ state }) => state.data)).matchAll(WORD))
      if (owner !== session.who && !isEverybodys(word)) wrong.push(`a query shown to ${session.who}: ${word}`)
  }

  const stops = [
    bindQueries(client, queryClient),
    ...observers.map((observer) => observer.subscribe(() => check())),
    list.subscribe(() => {}),
    ...editors.map((editor) => editor.subscribe(() => check())),
  ]

  return {
    ...{ client, editors, cells, list, wrong, check },
    type(at: number) {
      const editor = editors[at % editors.length]
      if (session.who === null || isUnseen || editor?.get().status === 'loading') return
      words += 1
      editor?.change('name', `~${session.who}~${words}~`)
    },
    cell() {
      const row = list.get().rows[0]
      if (session.who === null || isUnseen || !row || !cells.begin(row, 'name')) return
      words += 1
      cells.change(`~${session.who}~${words}~`)
    },
    /** Another tab is about to sign somebody in: what is answered until then, and is on its way, is for the one before. */
    changesElsewhere(to: Who) {
      if (way === 'cookie' && session.who !== to) isUnseen = true
    },
    async changedElsewhere(isAsked: boolean) {
      if (isAsked) await client.read('project', ids[0] ?? '')
      if (isAsked) isUnseen = false
      check()
    },
    async change(to: Who, how: 'reconnect' | 'silent') {
      session.who = to
      isUnseen = way === 'cookie' && how === 'silent'
      if (how === 'reconnect') client.reconnect()
      else if (isUnseen) await client.read('project', ids[0] ?? '')
      isUnseen = false
      check()
    },
    settled: () =>
      waitFor(
        () =>
          isVague() ||
          session.who === null ||
          editors.every((editor) => !['loading', 'saving'].includes(editor.get().status)),
        { what: 'the page' },
      ),
    close() {
      for (const stop of stops) stop()
      client.close()
    },
  }
}

const act = fc.record({
  what: fc.constantFrom('type', 'type', 'type', 'save', 'cell', 'cell_save', 'revert', 'settle', 'restore'),
  at: fc.nat(2),
  tab: fc.nat(1),
})
const step = fc.record({
  acts: fc.array(act, { maxLength: 4 }),
  to: fc.constantFrom<Who[]>('alice', 'bob', 'carol', 'alice', 'bob', null),
  how: fc.constantFrom('reconnect', 'silent'),
  tab: fc.nat(1),
  isNoticed: fc.boolean(),
})
const story = fc.record({
  way: fc.constantFrom(...WAYS),
  isOffline: fc.boolean(),
  tabs: fc.constantFrom(1, 1, 2),
  steps: fc.array(step, { minLength: CHANGES_IN_A_RUN, maxLength: CHANGES_IN_A_RUN }),
})

test(`over ${CHANGES} changes of person nothing unsaved of one is shown to or sent by another`, async () => {
  let typed = 0
  await fc.assert(
    fc.asyncProperty(story, async ({ way, isOffline, tabs: count, steps }) => {
      const session = { who: 'alice' as Who }
      const storage = isOffline ? createMemoryStorage() : null
      const tabs = createTabs()
      const open = Array.from({ length: count }, () => openPage({ way, storage, session, tabs }))
      const pageOf = (tab: number) => open[tab % count] as (typeof open)[number]
      for (const page of open) await page.settled()
      for (const { acts, to, how, tab: signIn, isNoticed } of steps) {
        for (const { what, at, tab } of acts) {
          const page = pageOf(tab)
          const editor = page.editors[at]
          if (what === 'type') page.type(at)
          if (what === 'save') void editor?.save()
          if (what === 'cell') page.cell()
          if (what === 'cell_save') void page.cells.save()
          if (what === 'revert') editor?.revert()
          if (what === 'restore') editor?.restore()
          if (what === 'settle') await page.settled()
          if (what === 'type') typed += 1
          page.check()
        }
        const others = open.filter((page) => page !== pageOf(signIn))
        for (const page of others) page.changesElsewhere(to)
        await pageOf(signIn).change(to, how)
        for (const page of others) await page.changedElsewhere(isNoticed)
      }
      for (const page of open) {
        await page.settled()
        page.check()
      }
      for (const page of open) page.close()
      expect(open.flatMap(({ wrong }) => wrong)).toEqual([])
    }),
    { numRuns: Math.ceil(CHANGES / CHANGES_IN_A_RUN), seed: SEED, endOnFailure: true },
  )
  expect(typed).toBeGreaterThan(CHANGES / 4)
}, 1_200_000)

for (const way of WAYS)
  for (const isOffline of [false, true])
    test(`what was typed comes back to its owner, by ${way}${isOffline ? ', kept on the device' : ''}`, async () => {
      const session = { who: 'alice' as Who }
      const page = openPage({ way, storage: isOffline ? createMemoryStorage() : null, session })
      onTestFinished(page.close)
      await page.settled()
      page.type(0)
      const typed = page.editors[0]?.values().name
      await page.change('bob', 'reconnect')
      await page.settled()
      expect(page.editors[0]?.get()).toMatchObject({ status: 'clean', draft: {}, kept: null })
      page.type(0)
      await page.editors[0]?.save()
      await page.change('alice', 'reconnect')
      await waitFor(() => page.editors[0]?.values().name === typed, { what: 'her draft' })
      expect(page.wrong).toEqual([])
    })

test('an answer for somebody else is not shown: the page says that its person is signed out', async () => {
  const [id = ''] = ids
  const asBob: typeof fetch = (input, init) => {
    const headers = new Headers(init?.headers)
    headers.set('Authorization', 'Bearer bob')
    return fetch(input, { ...init, headers })
  }
  const client = server.openTab(() => null, { userId: () => 'alice', transports: [], fetch: asBob })
  await expect(client.read('project', id)).resolves.toEqual({ outcome: 'unauthenticated' })
  const answer = await asBob(`${server.url}/api/v1/records/project/${id}`)
  expect(answer.headers.get('x-person-id')).toBe('bob')
  const meant = await asBob(`${server.url}/api/v1/records/project/${id}`, {
    headers: { 'X-Person-ID': 'alice' },
  })
  expect(meant.status).toBe(401)
})

test('a released store keeps nothing for the next person, and receives events again with its next listener', async () => {
  const [, id = ''] = ids
  let person = 'alice'
  const client = server.openTab(() => person, { userId: () => person })
  const editor = client.editor<Project>('project', id)
  const list = client.liveList('project')
  const stops = [editor.subscribe(() => {}), list.subscribe(() => {})]
  await waitFor(() => editor.get().record && list.get().status === 'ready', { what: 'the page' })
  for (const stop of stops) stop()
  await waitFor(() => client.editor('project', id) !== editor, { what: 'the record to be released' })
  await waitFor(() => client.liveList('project') !== list, { what: 'the list to be released' })
  person = 'bob'
  expect([editor.get().record, editor.values(), list.get().rows]).toEqual([null, {}, []])
  onTestFinished(editor.subscribe(() => {}))
  await waitFor(() => client.connection.get().status === 'live' && editor.get().record, {
    what: 'their page',
  })
  await server.sql(`update projects set name = 'Renamed', version = version where id = ${id}`)
  await waitFor(() => editor.values().name === 'Renamed', { what: 'the change' })
})

test('a record that is held since before and mounted for the next person keeps nothing in their name', async () => {
  const [, id = ''] = ids
  let person = 'alice'
  const drafts = createOffline({ storage: createMemoryStorage(), tabs: createTabs() })
  const keptFor: [string, string][] = []
  const offline: typeof drafts = {
    ...drafts,
    keep(address, state) {
      keptFor.push([person, JSON.stringify(state)])
      drafts.keep(address, state)
    },
  }
  const clock = createManualClock()
  const client = server.openTab(() => person, { userId: () => person, offline, clock, transports: [] })
  const editor = client.editor<Project>('project', id)
  const stop = editor.subscribe(() => {})
  await waitFor(() => editor.get().record, { what: 'the record' })
  editor.change('name', 'typed by Alice')
  stop()
  clock.forward(5_000)
  person = 'bob'
  onTestFinished(editor.subscribe(() => {}))
  await waitFor(() => editor.get().record, { what: 'the record of the next person' })
  const withWords = keptFor.filter(([, state]) => state.includes('typed by Alice'))
  expect([...new Set(withWords.map(([whose]) => whose))]).toEqual(['alice'])
})

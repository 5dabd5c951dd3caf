// Pages of five people over two nodes, who watch in every way: sockets, an event stream, polling, a list, a program that
// follows the changes, and a tab whose line can be cut or lose an answer.
import { followChanges } from '../../web/client/http/follow-changes.ts'
import { createMemoryStorage, createOffline } from '../../web/client/offline/index.ts'
import { createRecordClient } from '../../web/client/record-client.ts'
import type { RecordClientOptions } from '../../web/client/record-client-options.ts'
import type { TestApp } from './app.ts'

export interface Project {
  name: string
  notes: string
}

/** `cut`: no request leaves; `deaf`: requests arrive, and their answers are lost. */
type Line = 'open' | 'cut' | 'deaf'

const clockOf = (speed: number): NonNullable<RecordClientOptions['clock']> => ({
  now: Date.now,
  after: (delayMs, run) => {
    const timer = setTimeout(run, delayMs / speed)
    return () => clearTimeout(timer)
  },
})

const openTab = (node: TestApp, person: string, options: RecordClientOptions) => {
  const line = { is: 'open' as Line }
  const client = createRecordClient({
    url: `${node.origin}/api/v1`,
    token: () => person,
    userId: () => person,
    fetch: async (input, init) => {
      if (line.is === 'cut') throw new TypeError('The line is cut.')
      const answer = await fetch(input, init)
      if (line.is !== 'open') throw new TypeError('The answer is lost.')
      return answer
    },
    ...options,
  })
  return { client, line, person }
}

/** The last two have no page. */
export const PEOPLE = ['alice', 'bob', 'carl', 'dora', 'erin', 'frank', 'gus']

export const openPages = async (
  nodes: readonly [TestApp, TestApp],
  ids: string[],
  ofErin: string,
  speed: number,
) => {
  const [first, second] = nodes
  const clock = clockOf(speed)
  const tabs = [
    openTab(first, 'alice', { clock }),
    openTab(second, 'bob', { clock }),
    openTab(first, 'carl', { clock, transports: ['event_stream'] }),
    openTab(second, 'dora', { clock, transports: [] }),
  ]
  const offline = createOffline({ storage: createMemoryStorage() })
  const erin = openTab(first, 'erin', { clock, transports: [], offline })
  const pages = [...tabs.flatMap((tab) => ids.map((id) => ({ tab, id }))), { tab: erin, id: ofErin }].map(
    ({ tab, id }) => ({
      person: tab.person,
      id,
      editor: tab.client.editor<Project>('project', id),
    }),
  )
  const lists = tabs.slice(0, 2).map(({ client }) => client.liveList('project'))
  const stops = [
    ...pages.map(({ editor }) => editor.subscribe(() => {})),
    ...lists.map((list) => list.subscribe(() => {})),
  ]

  /** What a program holds that follows the changes, and each change that it was given. */
  const followed = { held: new Map<string, number>(), seen: new Set<string>() }
  const read = async () => {
    followed.held.clear()
    const { status, body } = await second.call('GET', '/records/project?limit=1000')
    if (status !== 200) throw new Error(`The list was answered ${status}.`)
    for (const { id, version } of body.data) followed.held.set(id, version)
  }
  const { cursor } = (await second.call('GET', '/changes')).body
  await read()
  const following = followChanges({
    cursor,
    url: `${second.origin}/api/v1`,
    token: () => 'alice',
    types: ['project'],
    waitS: 2,
    onReset: async () => {
      for (let isRead = false; !isRead; )
        isRead = await read().then(
          () => true,
          () => new Promise((resolve) => setTimeout(resolve, 50, false)),
        )
    },
  })
  const ended = (async () => {
    for await (const { changes } of following)
      for (const { id, version } of changes) {
        followed.held.set(id, version)
        followed.seen.add(`${id} ${version}`)
      }
  })()
  ended.catch(() => {})

  return {
    pages,
    lists,
    erin,
    followed,
    close: async () => {
      following.stop()
      for (const stop of stops) stop()
      for (const { client } of [...tabs, erin]) client.close()
      await ended
    },
  }
}

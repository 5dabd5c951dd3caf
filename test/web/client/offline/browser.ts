// Pages of one browser, with the network of each: they share storage, and know which of them are alive.

import {
  createMemoryStorage,
  createOffline,
  type EditStorage,
  type QueuedRequest,
  type UnsentEntry,
} from 'noclobber/offline'
import type { CreatedId } from '../../../../web/client/offline/created-ids.ts'
import type { RecordClientOptions } from '../../../../web/client/record-client-options.ts'
import { waitFor } from '../../../support/wait-for.ts'
import { createTabs } from '../browser-tabs.ts'
import type { startLiveServer } from '../live-server.ts'

type Server = Awaited<ReturnType<typeof startLiveServer>>

interface Shared {
  storage?: EditStorage<UnsentEntry>
  created?: EditStorage<CreatedId>
}

/** `down` sends nothing; `deaf` loses the answers to writes, and `deaf to edits` those to `PATCH` alone. */
export function createBrowser(server: Server, shared: Shared = {}) {
  const tabs = createTabs()
  const storage = shared.storage ?? createMemoryStorage()
  const requests = createMemoryStorage<QueuedRequest>()
  const created = shared.created ?? createMemoryStorage<CreatedId>()
  /** All that went out, as text. */
  const sent: string[] = []
  return (person = 'alice', options: RecordClientOptions = {}) => {
    const network = { state: 'up' as 'up' | 'down' | 'deaf' | 'deaf to edits' }
    const fetchOver: typeof fetch = async (input, init) => {
      if (network.state === 'down') throw new TypeError('no network')
      sent.push(`${init?.method} ${String(input)} ${init?.body ?? ''}`)
      const answer = await fetch(input, init)
      if (answer.headers.get('content-type')?.startsWith('text/event-stream')) return answer
      await answer.clone().arrayBuffer()
      const isWrite = network.state === 'deaf' ? init?.method !== 'GET' : init?.method === 'PATCH'
      if (network.state.startsWith('deaf') && isWrite) throw new TypeError('the answer was lost')
      return answer
    }
    const offline = createOffline({ storage, requests, created, tabs })
    const client = server.openTab(person, { offline, userId: () => person, fetch: fetchOver, ...options })
    return { network, offline, client, storage, requests, created, sent }
  }
}

export type Page = ReturnType<ReturnType<typeof createBrowser>>

export const unsentOf = ({ offline }: Page) => offline.unsent.get()

export const isAllSent = (page: Page) =>
  waitFor(
    async () => {
      const stored = [...(await page.storage.all('alice')), ...(await page.requests.all('alice'))]
      return stored.length + unsentOf(page).entries.length + unsentOf(page).requests.length === 0
    },
    { what: () => `nothing unsent: ${JSON.stringify(unsentOf(page), null, 1)}` },
  )

export function online(page: Page) {
  page.network.state = 'up'
  page.offline.retry()
}

export const idOf = (outcome: { outcome: string; record?: { id: string } }) => outcome.record?.id ?? ''

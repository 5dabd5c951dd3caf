// A page that shows a list while others edit it: ours, and the usual way, which fetches the list anew on every event (one
// refetch at a time, and one more for whatever came meanwhile: kinder than a cache that begins anew each time).
import { createRecordClient } from 'noclobber/client'

const PAGE = 1_000

export default async ({ port, shown }) => {
  const openPage = () => {
    const spent = { bytes: 0, requests: 0 }
    const client = createRecordClient({
      url: `http://127.0.0.1:${port}/api/v1`,
      fetch: async (input, init) => {
        const answer = await fetch(input, init)
        const text = await answer.text()
        spent.bytes += Buffer.byteLength(text)
        spent.requests += 1
        return new Response(text, { status: answer.status, headers: answer.headers })
      },
    })
    return { client, spent }
  }

  const settled = async (isDone) => {
    while (!isDone()) await new Promise((resolve) => setTimeout(resolve, 20))
  }

  const fetchAll = async (client) => {
    const rows = []
    for (let after; after !== null; ) {
      const page = await client.list('project', { limit: PAGE, ...(after ? { after } : {}) })
      rows.push(...page.data)
      after = rows.length < shown ? page.next : null
    }
    return rows
  }

  let current = null
  const begin = (page, notes) => {
    page.spent.bytes = 0
    page.spent.requests = 0
    current = { ...page, notes }
  }

  return {
    beginOurs: async () => {
      const page = openPage()
      const list = page.client.liveList('project', { most: shown + 1 })
      const stop = list.subscribe(() => {})
      await settled(() => list.get().status === 'ready' && page.client.connection.get().status === 'live')
      await list.reload()
      begin({ ...page, stop }, () => list.get().rows.filter(({ version }) => version > 1).length)
    },
    beginUsual: async () => {
      const page = openPage()
      let rows = await fetchAll(page.client)
      let isFetching = false
      let isStale = false
      const refetch = async () => {
        isStale = true
        if (isFetching) return
        isFetching = true
        while (isStale) {
          isStale = false
          rows = await fetchAll(page.client)
        }
        isFetching = false
      }
      let isJoined = false
      const stop = page.client.watchList({ type: 'project' }, ({ kind }) => {
        if (kind === 'event') refetch()
        else isJoined = true
      })
      await settled(() => isJoined)
      begin({ ...page, stop }, () => rows.filter(({ version }) => version > 1).length)
    },
    /** Waits until so many of the shown rows are newer than they were made, and gives what it cost. */
    end: async (changed) => {
      await settled(() => current.notes() >= changed)
      const { spent, stop, client } = current
      stop()
      client.close()
      return spent
    },
  }
}

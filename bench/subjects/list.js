// What a page fetches to keep a list of ten thousand true while others edit a hundred of its rows within ten seconds,
// against fetching the list anew on every event.
import { setTimeout as pause } from 'node:timers/promises'
import { startChild } from '../child.js'
import { prepareTables } from '../tables.js'

const EDITS = 100
const EDIT_EVERY_MS = 100

export const list = async ({ fresh, scale }) => {
  const shown = Math.ceil(10_000 * scale)
  const edits = Math.ceil(EDITS * Math.max(scale, 0.05))
  const measure = async (begin) => {
    const url = await fresh()
    await prepareTables(url, shown)
    const server = await startChild('servers/ours.js', { url })
    const page = await startChild('load/live-list.js', { port: await server.call('port'), shown })
    try {
      await page.call(begin)
      for (let n = 0; n < edits; n += 1) {
        await Promise.all([server.call('change', [1 + n * Math.floor(shown / edits)]), pause(EDIT_EVERY_MS)])
      }
      return await page.call('end', edits)
    } finally {
      await page.stop()
      await server.stop()
    }
  }
  const ours = await measure('beginOurs')
  const usual = await measure('beginUsual')
  const kilobytes = ({ bytes }) => [bytes / 1_000]
  return [
    {
      name: `live list, ${edits} edits: fetched, to a refetch an event`,
      unit: 'kB',
      ours: kilobytes(ours),
      bare: kilobytes(usual),
      target: { atMost: 0.05 },
    },
    {
      name: 'live list: requests',
      unit: 'requests',
      ours: [ours.requests],
      bare: [usual.requests],
    },
  ]
}

// Both servers on one database, each in its own process with a load of its own; only one of them is loaded at a time.
import { withChildren } from './child.js'
import { prepareTables } from './tables.js'

/**
 * @param {{ url: string, rows: number, load: string }} options
 * @param {(sides: Record<'ours' | 'bare', { server: Child, load: Child }>) => Promise<T>} use
 * @returns {Promise<T>}
 * @template T
 * @typedef {Awaited<ReturnType<typeof import('./child.js').startChild>>} Child
 */
export const withBoth = async ({ url, rows, load, ...further }, use) => {
  await prepareTables(url, rows)
  return withChildren(async (start) => {
    const startSide = async (side) => {
      const server = await start(`servers/${side}.js`, { url })
      const port = await server.call('port')
      return { server, load: await start(load, { port, rows, ...further }) }
    }
    const [bare, ours] = await Promise.all(['bare', 'ours'].map(startSide))
    return use({ bare, ours })
  })
}

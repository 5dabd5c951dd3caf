// A part of a benchmark in a process of its own: servers and load never share an event loop, nor variants a heap.
// Invariant: every child ends with the benchmark, whether it finishes or fails.
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const SELF = fileURLToPath(import.meta.url)

/**
 * Starts a module in a child process. The module's default export is given `options` and answers with functions.
 *
 * @param {string} module Path from this folder.
 * @param {object} options Plain data.
 * @returns {Promise<{ call(name: string, ...args: unknown[]): Promise<any>, stop(): Promise<void> }>}
 */
export const startChild = async (module, options = {}) => {
  const profiled = process.env.BENCH_PROFILE && module.includes(process.env.BENCH_PROFILE)
  const execArgv = profiled ? ['--cpu-prof', '--cpu-prof-dir=.bench-profiles'] : []
  const child = fork(SELF, [module, JSON.stringify(options)], { execArgv })
  const waiting = new Map()
  let count = 0
  const ended = new Promise((resolve) => child.once('exit', resolve))
  ended.then((code) => {
    for (const { reject } of waiting.values()) reject(new Error(`${module} ended with code ${code}.`))
    waiting.clear()
  })
  child.on('message', ({ id, result, error }) => {
    const { resolve, reject } = waiting.get(id)
    waiting.delete(id)
    if (error === undefined) resolve(result)
    else reject(new Error(`${module}: ${error}`))
  })
  const call = (name, ...args) =>
    new Promise((resolve, reject) => {
      count += 1
      waiting.set(count, { resolve, reject })
      child.send({ id: count, name, args })
    })
  await call('ready')
  return {
    call,
    stop: async () => {
      await call('stop').catch(() => {})
      if (child.connected) child.disconnect()
      await ended
    },
  }
}

/**
 * Lets `use` start children, and stops them after it, the last one first.
 *
 * @param {(start: typeof startChild) => Promise<T>} use
 * @returns {Promise<T>}
 * @template T
 */
export const withChildren = async (use) => {
  const children = []
  const start = async (...args) => {
    const child = await startChild(...args)
    children.unshift(child)
    return child
  }
  try {
    return await use(start)
  } finally {
    for (const child of children) await child.stop()
  }
}

const serve = async ([module, options]) => {
  const made = import(`./${module}`).then((part) => part.default(JSON.parse(options)))
  process.on('disconnect', () => process.exit())
  process.on('message', async ({ id, name, args }) => {
    try {
      const part = await made
      process.send({ id, result: await part[name]?.(...args) })
    } catch (error) {
      process.send({ id, error: error.stack ?? String(error) })
    }
  })
}

if (process.argv[1] === SELF) await serve(process.argv.slice(2))

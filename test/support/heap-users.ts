// What keeps a node busy for years, a kind at a time: each as different people of different tenants, so that what a node
// keeps by person, tenant, record or connection would show.
import { request } from 'node:http'
import { connectWatcher, type WatchedApp } from './app-socket.ts'
import { openStream } from './app-stream.ts'

/** One kind of use. */
export interface Use {
  name: string
  /** How often it is done in a plain test run. */
  times: number
  /** Does it once, as the person of this number. */
  run(n: number): Promise<unknown>
  /** How many go on at a time. */
  atOnce: number
}

export interface Users extends WatchedApp {
  // biome-ignore lint/suspicious/noExplicitAny: rows are the test's own
  sql(text: string, bindings?: unknown[]): Promise<any[]>
}

/** Records that all kinds of use share: what a node remembers of records has a bound of its own, by which it isn't authorized. */
export const RECORDS = 200

const person = (n: number) => `p${n}@t${n % 40}`
const recordOf = (n: number) => 1 + (n % RECORDS)

export const usesOf = ({ origin, sql }: Users): Use[] => {
  const send = async (n: number, method: string, path: string, body?: object, headers: object = {}) => {
    const response = await fetch(`${origin}/api/v1${path}`, {
      method,
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      headers: { authorization: `Bearer ${person(n)}`, 'content-type': 'application/json', ...headers },
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
    return text === '' ? null : JSON.parse(text)
  }

  /** Asks and goes: before the answer, or with the first of it. */
  const askAndGo = (n: number, path: string, isEarly: boolean) =>
    new Promise<void>((resolve) => {
      const asked = request(`${origin}/api/v1${path}`, {
        agent: false,
        headers: { authorization: `Bearer ${person(n)}`, accept: 'text/event-stream' },
      })
      const go = () => asked.destroy()
      asked.on('error', () => {})
      asked.on('close', resolve)
      asked.on('response', go)
      asked.end(isEarly ? () => setImmediate(go) : undefined)
    })

  const save = async (n: number) => {
    const path = `/records/task/${recordOf(n)}`
    const { data } = await send(n, 'GET', path)
    const body = { client_version: data.version, changes: { title: `Title ${n}` }, mutation_id: `m${n}` }
    await send(n, 'PATCH', path, body)
  }

  const watcherOf = (n: number) => connectWatcher({ origin, sql }, { as: person(n), tabId: `tab-${n}` })

  return [
    {
      name: 'changes of the log',
      times: 10_000,
      atOnce: 1,
      run: (n) => sql('call noclobber_test.churn(?)', [n]),
    },
    {
      name: 'statements of many records',
      times: 40,
      atOnce: 1,
      run: (n) => sql('update tasks set title = ?', [`Many ${n}`]),
    },
    {
      name: 'sockets that come and go',
      times: 150,
      atOnce: 10,
      run: async (n) => {
        const watcher = await watcherOf(n)
        await watcher.ask('watch', {
          records: [{ type: 'task', id: String(recordOf(n)) }],
          lists: [{ type: 'task', scope: { project_id: String(n) } }],
        })
        watcher.socket.disconnect()
      },
    },
    {
      name: 'presence',
      times: 150,
      atOnce: 10,
      run: async (n) => {
        const watcher = await watcherOf(n)
        const id = String(recordOf(n))
        await watcher.watch(['task', id])
        for (const state of ['viewing', 'editing', 'idle'])
          await watcher.ask('presence', { type: 'task', id, state, field: null })
        await watcher.ask('take_over', { type: 'task', id, to: `q${n}`, say: 'ask' })
        watcher.socket.disconnect()
      },
    },
    {
      name: 'event streams that come and go',
      times: 200,
      atOnce: 10,
      run: async (n) => {
        const query = `record=task:${recordOf(n)}&list=task`
        if (n % 3 === 0) {
          const stream = await openStream(origin, query, { as: person(n) })
          stream.cut()
        } else await askAndGo(n, `/events?${query}`, n % 3 === 1)
      },
    },
    {
      name: 'long polls that are given up',
      times: 200,
      atOnce: 10,
      run: async (n) => {
        const { cursor } = await send(n, 'GET', '/changes')
        await askAndGo(n, `/changes?wait=25&cursor=${encodeURIComponent(cursor)}`, true)
      },
    },
    { name: 'saves with a mutation id', times: 200, atOnce: 1, run: save },
    {
      name: 'records that are made and deleted',
      times: 150,
      atOnce: 4,
      run: async (n) => {
        const { data } = await send(n, 'POST', '/records/task', {
          fields: { project_id: n, title: 'Made' },
          mutation_id: `c${n}`,
        })
        await send(n, 'DELETE', `/records/task/${data.id}`, { client_version: 1, mutation_id: `d${n}` })
      },
    },
    {
      name: 'lists and what changed in them',
      times: 150,
      atOnce: 4,
      run: async (n) => {
        const { cursor } = await send(n, 'GET', `/records/task?limit=20&project_id=${n % 7}`)
        await send(n, 'GET', `/records/task?cursor=${encodeURIComponent(cursor)}`)
      },
    },
    {
      name: 'imports',
      times: 15,
      atOnce: 1,
      run: (n) => {
        const lines = Array.from({ length: 20 }, (_, line) =>
          JSON.stringify({ project_id: n, title: `Row ${line} of ${n}` }),
        )
        return send(n, 'POST', '/records/task/import?key=', lines.join('\n') as never, {
          'content-type': 'application/x-ndjson',
          'idempotency-key': `i${n}`,
        })
      },
    },
  ]
}

// What one signed-in person, or a client without a session, can do to a node: each attack goes on until its signal ends it, and counts how
// it was answered. Invariant: an attack uses the wire alone, and asks again as soon as it is answered.
import { setMaxListeners } from 'node:events'
import http from 'node:http'
import { connect } from 'node:net'
import { getPriority, setPriority } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import { io } from 'socket.io-client'

const FRAME = 500
/** How much less the attack's process is worth than the server's, where there are not processors enough for both. */
export const FAR = 6

/** Does `work` on so many connections, again and again, until the signal. */
const onEach = (count, signal, work) =>
  Promise.all(
    Array.from({ length: count }, async (_, n) => {
      while (!signal.aborted) await work(n).catch(() => pause(20))
    }),
  )

const createClient = ({ port, authorization, signal, tally }) => {
  const agent = new http.Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY })
  const open = (method, route, headers = {}) => {
    const request = http.request({
      port,
      host: '127.0.0.1',
      method,
      path: `/api/v1${route}`,
      agent,
      signal,
      headers: { ...(authorization && { authorization }), ...headers },
    })
    return request
  }
  const answerTo = (request) =>
    new Promise((resolve, reject) => {
      request.on('error', reject)
      request.on('response', async (response) => {
        try {
          const chunks = await response.toArray()
          tally(response.statusCode)
          resolve({ status: response.statusCode, text: () => Buffer.concat(chunks).toString() })
        } catch (error) {
          reject(error)
        }
      })
    })
  const ask = async (method, route, body, headers = {}) => {
    const request = open(method, route, { ...(body && { 'content-type': 'application/json' }), ...headers })
    const answered = answerTo(request)
    request.end(body && JSON.stringify(body))
    const answer = await answered
    if (answer.status === 429) await pause(20)
    return answer
  }
  const sockets = async (count) => {
    const made = Array.from({ length: count }, () =>
      io(`http://127.0.0.1:${port}`, {
        transports: ['websocket'],
        forceNew: true,
        ...(authorization && { extraHeaders: { authorization } }),
      }),
    )
    signal.addEventListener('abort', () => {
      for (const socket of made) socket.disconnect()
    })
    await Promise.all(made.map((socket) => new Promise((resolve) => socket.once('connect', resolve))))
    return made
  }
  return { open, answerTo, ask, sockets, close: () => agent.destroy() }
}

const frameOf = (ids, from = 0) => ({
  records: Array.from({ length: FRAME }, (_, n) => ({
    type: 'project',
    id: String(ids[(from + n) % ids.length]),
  })),
  lists: [],
})

/** Sends a message and counts its records' answers. */
const send = async (socket, name, message, tally) => {
  const answer = await socket.timeout(20_000).emitWithAck(name, message)
  tally(answer.ok === false ? answer.code : 'answered')
  for (const { ok, code } of answer.records ?? []) if (!ok) tally(code)
}

/** Versions of one's own records, as one's own saves are answered. */
const holdOwn = ({ ask }) => {
  const versions = new Map()
  return async (id, changes, headers) => {
    if (!versions.has(id))
      versions.set(id, JSON.parse((await ask('GET', `/records/project/${id}`)).text()).data.version)
    const body = { client_version: versions.get(id), changes }
    const answer = await ask('PATCH', `/records/project/${id}`, body, headers)
    if (answer.status === 200) versions.set(id, versions.get(id) + 1)
    else if (answer.status === 409) versions.delete(id)
  }
}

/** By name. `ids` are records that nobody else saves; `size` is how many connections each uses. */
export const ATTACKS = {
  'long polls held and woken': async ({ client, ids, size, signal }) => {
    const save = holdOwn(client)
    await Promise.all([
      onEach(size * 4, signal, () => client.ask('GET', '/changes?wait=25&limit=1000')),
      onEach(1, signal, async () => {
        await save(ids[0], { name: `Woken ${Math.random()}` })
        await pause(100)
      }),
    ])
  },
  'dripping uploads': ({ client, size, signal }) =>
    onEach(size, signal, async () => {
      const upload = client.open('POST', '/records/project/import?key=', { 'content-type': 'text/csv' })
      const answered = client.answerTo(upload)
      let isOver = false
      answered
        .catch(() => {})
        .finally(() => {
          isOver = true
        })
      upload.write('name,status\n')
      while (!isOver && !signal.aborted) {
        upload.write('a')
        await pause(50)
      }
      upload.destroy()
      await answered
    }),
  'many rooms to look at again': async ({ client, ids, size, signal, tally }) => {
    const sockets = await client.sockets(size)
    await Promise.all(sockets.map((socket, n) => send(socket, 'watch', frameOf(ids, n * FRAME), tally)))
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
  },
  'watch storm': async ({ client, ids, size, signal, tally }) => {
    const sockets = await client.sockets(size)
    await onEach(size, signal, async (n) => {
      await send(sockets[n], 'watch', frameOf(ids, n * FRAME), tally)
      await send(sockets[n], 'unwatch', frameOf(ids, n * FRAME), tally)
    })
  },
  'lists of large pages': ({ client, size, signal }) =>
    onEach(size, signal, () => client.ask('GET', '/records/project?limit=1000&sort=-name')),
  'bulk edits of the most records': ({ client, ids, size, signal }) =>
    onEach(size, signal, async (n) => {
      const mine = ids.slice((n % 4) * FRAME, (n % 4) * FRAME + FRAME)
      const listed = mine.map((id) => ({ type: 'project', id: String(id), version: 1 }))
      const found = JSON.parse((await client.ask('POST', '/records/versions', { records: listed })).text())
      const versions = new Map((found.data ?? []).map(({ id, version }) => [id, version]))
      await client.ask('PATCH', '/records/project', {
        records: mine.map((id) => ({ id: String(id), client_version: versions.get(String(id)) ?? 1 })),
        changes: { name: `LargeTransaction ${Math.random()}` },
        on_stale: 'skip',
      })
    }),
  'presence storm': async ({ client, ids, size, signal, tally }) => {
    const sockets = await client.sockets(size)
    const id = String(ids[0])
    const records = [{ type: 'project', id }]
    await Promise.all(sockets.map((socket) => send(socket, 'watch', { records, lists: [] }, tally)))
    await onEach(size, signal, async (n) => {
      const state = Math.random() < 0.5 ? 'viewing' : 'editing'
      await send(sockets[n], 'presence', { type: 'project', id, state, field: null }, tally)
      await pause(5)
    })
  },
  'streams opened and left': async ({ client, ids, size, signal, tally }) => {
    const asked = ids.slice(0, 100).map((id) => `record=project:${id}`)
    const { cursor } = JSON.parse((await client.ask('GET', '/changes')).text())
    await onEach(size, signal, async () => {
      const stream = client.open('GET', `/events?${asked.join('&')}&cursor=${encodeURIComponent(cursor)}`)
      await new Promise((resolve, reject) => {
        stream.on('error', reject)
        stream.on('response', (response) => {
          tally(response.statusCode)
          response.once('data', resolve).once('end', resolve)
        })
        stream.end()
      })
      stream.destroy()
    })
  },
  'saves with answers to keep': ({ client, ids, size, signal }) => {
    const save = holdOwn(client)
    return onEach(size, signal, async (n) => {
      const name = `Kept ${Math.random()}`
      await save(ids[n], { name }, { 'idempotency-key': `kept-${n}-${Math.random()}` })
    })
  },
  'refused saves of a large record': async ({ client, ids, size, signal }) => {
    const id = ids.at(-1)
    await holdOwn(client)(id, { notes: 'Large. '.repeat(60_000) })
    const body = { client_version: 1_000_000, changes: { name: 'Refused' } }
    await onEach(size, signal, () => client.ask('PATCH', `/records/project/${id}`, body))
  },
  'handshakes without a session': ({ port, size, signal, tally }) =>
    onEach(size, signal, () => {
      const head =
        'GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: localhost\r\nAuthorization: nobody\r\n' +
        'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n'
      return new Promise((resolve, reject) => {
        const socket = connect({ port, host: '127.0.0.1', signal })
        socket.setTimeout(5_000, () => socket.destroy())
        socket.on('error', reject).once('close', resolve)
        socket.once('data', (bytes) => {
          tally(bytes.toString('latin1', 9, 12))
          socket.destroy()
        })
        socket.write(head)
      })
    }),
  'many versions asked for': ({ client, ids, size, signal }) =>
    onEach(size, signal, (n) => {
      const { records } = frameOf(ids, n * FRAME)
      return client.ask('POST', '/records/versions', {
        records: records.map((one) => ({ ...one, version: 1 })),
      })
    }),
}

/**
 * Begins an attack; gives the function that ends it and says how often it was answered how.
 *
 * @param {string} name
 * @param {{ port: number, authorization: string, ids: number[], size: number, counts?: Record<string, number> }} options
 */
export const beginAttack = (name, { port, authorization, ids, size, counts = {} }) => {
  const ending = new AbortController()
  const { signal } = ending
  setMaxListeners(0, signal)
  const tally = (answer) => {
    counts[answer] = (counts[answer] ?? 0) + 1
  }
  const client = createClient({ port, authorization, signal, tally })
  const over = ATTACKS[name]({ client, port, ids, size, signal, tally }).catch((error) => {
    if (!signal.aborted) throw error
  })
  over.catch(() => {})
  return async () => {
    ending.abort()
    await over
    client.close()
    return counts
  }
}

export default async ({ port, ids, size }) => {
  // An attacker's own processor is elsewhere: what the attack costs its sender must not be taken from the server.
  setPriority(Math.min(19, getPriority() + FAR))
  let end = async () => ({})
  return {
    begin: (name) => {
      end = beginAttack(name, { port, ids, size, authorization: 'Bearer mallory' })
    },
    end: () => end(),
    /** Milliseconds of the processor that this process has used. */
    processorMs: () => {
      const { user, system } = process.cpuUsage()
      return (user + system) / 1_000
    },
    stop: () => {},
  }
}

// The reverse proxy of scripts/cluster.js: what docker-compose's nginx does, in one file of Node.
// A connection of long polling stays with its node, by cookie or by Socket.IO's session id; a node that isn't ready gets
// no new requests; a request is sent to another node only if the first one never got it.
import { Agent, createServer, request as send } from 'node:http'
import { connect } from 'node:net'

const COOKIE = 'noclobber_node'
const CHECK_MS = 250
const HOP_BY_HOP = ['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade']

/** `nodes()` gives `[{ name, port }]`, those that are meant to run. Returns `{ port, stop }`. */
export async function startProxy({ port = 0, nodes }) {
  const agent = new Agent({ keepAlive: false })
  const ready = new Map()
  const sessions = new Map()
  let turn = 0

  const check = () =>
    Promise.all(
      nodes().map(
        ({ name, port: at }) =>
          new Promise((resolve) => {
            const asked = send({ port: at, host: '127.0.0.1', path: '/readyz', timeout: 2_000 }, (answer) => {
              answer.resume()
              ready.set(name, answer.statusCode === 200)
              resolve()
            })
            asked.on('timeout', () => asked.destroy())
            asked.on('error', () => {
              ready.set(name, false)
              resolve()
            })
            asked.end()
          }),
      ),
    )

  /** The node that this client is bound to if that is ready, else the others in turn. */
  const order = (request) => {
    const able = nodes().filter(({ name }) => ready.get(name) !== false)
    const all = able.length > 0 ? able : nodes()
    const sid = new URL(request.url, 'http://proxy').searchParams.get('sid')
    const cookie = new RegExp(`${COOKIE}=([^;]+)`).exec(request.headers.cookie ?? '')?.[1]
    const bound = (sid && sessions.get(sid)) || cookie
    const first = all.findIndex(({ name }) => name === bound)
    if (first < 0) turn += 1
    const from = first < 0 ? turn % all.length : first
    return [...all.slice(from), ...all.slice(0, from)]
  }

  const headersOf = (request) => ({
    ...request.headers,
    'x-forwarded-for': request.socket.remoteAddress ?? '',
    'x-forwarded-proto': 'http',
  })

  const learn = (request, node) => {
    const url = new URL(request.url, 'http://proxy')
    const isOpening = url.searchParams.get('transport') === 'polling' && !url.searchParams.has('sid')
    if (!isOpening) return () => {}
    return (chunk) => {
      const sid = /"sid":"([^"]+)"/.exec(chunk.toString())?.[1]
      if (sid) sessions.set(sid, node.name)
      if (sessions.size > 20_000) sessions.delete(sessions.keys().next().value)
    }
  }

  const answer = async (request, response) => {
    const chunks = []
    for await (const chunk of request) chunks.push(chunk)
    const body = Buffer.concat(chunks)
    const candidates = order(request)
    const attempt = (left) => {
      const [node, ...others] = left
      if (!node) {
        response.writeHead(503, { 'Retry-After': '1' }).end()
        return
      }
      const headers = headersOf(request)
      const outgoing = send({
        host: '127.0.0.1',
        port: node.port,
        method: request.method,
        path: request.url,
        headers,
        agent,
      })
      let isSent = false
      outgoing.on('socket', (socket) => {
        socket.once('connect', () => {
          isSent = true
        })
      })
      outgoing.on('error', () => {
        ready.set(node.name, false)
        if (!isSent && !response.headersSent) attempt(others)
        else if (!response.headersSent) response.writeHead(502).end()
        else response.destroy()
      })
      outgoing.on('response', (incoming) => {
        const kept = Object.fromEntries(
          Object.entries(incoming.headers).filter(([name]) => !HOP_BY_HOP.includes(name)),
        )
        const cookies = [
          ...(incoming.headers['set-cookie'] ?? []),
          `${COOKIE}=${node.name}; Path=/; HttpOnly`,
        ]
        response.writeHead(incoming.statusCode, { ...kept, 'set-cookie': cookies })
        const receive = learn(request, node)
        incoming.on('data', (chunk) => {
          receive(chunk)
          response.write(chunk)
        })
        incoming.on('end', () => response.end())
        incoming.on('error', () => response.destroy())
      })
      response.on('close', () => outgoing.destroy())
      outgoing.end(body)
    }
    attempt(candidates)
  }

  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy())
  })

  server.on('upgrade', (request, near, head) => {
    const attempt = ([node, ...others]) => {
      if (!node) return near.destroy()
      const far = connect(node.port, '127.0.0.1')
      let stands = false
      far.once('connect', () => {
        stands = true
        const lines = Object.entries(headersOf(request)).map(([name, value]) => `${name}: ${value}`)
        far.write(`${request.method} ${request.url} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`)
        far.write(head)
        far.pipe(near).pipe(far)
      })
      far.on('error', () => {
        if (stands) near.destroy()
        else attempt(others)
      })
      far.on('close', () => stands && near.destroy())
      near.on('error', () => far.destroy())
      near.on('close', () => far.destroy())
    }
    attempt(order(request))
  })

  await check()
  const timer = setInterval(check, CHECK_MS)
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve))
  return {
    port: server.address().port,
    /** Which nodes get requests now. */
    ready: () => nodes().filter(({ name }) => ready.get(name) === true).length,
    check,
    stop: () =>
      new Promise((resolve) => {
        clearInterval(timer)
        server.close(resolve)
        server.closeAllConnections()
      }),
  }
}

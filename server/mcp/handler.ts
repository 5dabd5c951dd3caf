// Streamable HTTP (MCP 2025-06-18) for an app's own server: one request, one answer, without sessions.
// Invariant: who asks is decided by the API, by the same credentials; a page of another origin is refused, for browsers send cookies.
import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { loggerOf } from '../base/logger.ts'
import type { ApiOptions } from './api.ts'
import { createServer, type McpServerOptions } from './server.ts'
import { toolsFor } from './tools.ts'

/** What {@link mcpHandler} takes. */
export interface McpHandlerOptions extends Omit<McpServerOptions, 'headers'> {
  /** Calls of one agent within a minute; further ones are answered 429. Default 120. */
  callsPerMinute?: number
  /** The largest request, in bytes. Default 1,000,000. */
  bodyBytes?: number
}

const MINUTE_MS = 60_000
const TOOLS_MS = 30_000
const MOST_AGENTS = 1_000

/** What is known of a credential within its minute. */
interface Agent {
  since: number
  calls: number
  at: number
  tools: ReturnType<typeof toolsFor> | null
}

const newAgent = (): Agent => ({ since: Date.now(), calls: 0, at: 0, tools: null })

/** Each credential counts by itself: with another one beside it, or written otherwise, an agent has no more calls. */
const keysOf = (headers: Record<string, string>): string[] =>
  Object.entries(headers).map(([name, value]) => {
    const [scheme = '', ...token] = value.trim().split(/\s+/)
    const text = token.length > 0 ? `${scheme.toLowerCase()} ${token.join(' ')}` : scheme
    return createHash('sha256').update(`${name} ${text}`).digest('base64')
  })

const isBrowser = ({ headers }: IncomingMessage) =>
  headers.origin !== undefined || /^(cross-site|same-site)$/.test(String(headers['sec-fetch-site'] ?? ''))

const refuse = (
  response: ServerResponse,
  status: number,
  message: string,
  headers: Record<string, string> = {},
) => {
  const body = { jsonrpc: '2.0', error: { code: -32000, message }, id: null }
  response.writeHead(status, { 'Content-Type': 'application/json', ...headers }).end(JSON.stringify(body))
}

/** `null`: too large, no JSON, or cut off. */
const readJson = async (request: IncomingMessage, most: number): Promise<unknown> => {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of request) {
      bytes += (chunk as Buffer).length
      if (bytes > most) return null
      chunks.push(chunk as Buffer)
    }
    return JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown
  } catch {
    return null
  }
}

/**
 * Answers agents at one address: `app.all('/mcp', mcpHandler({ url: 'http://127.0.0.1:3000/api/v1' }))`. Each agent signs in as at the API,
 * by its `Authorization` or `X-API-Key`: give it a token of its own, for which `authenticate` gives an actor of `kind: 'agent'`.
 * Cookies are not passed on.
 */
export const mcpHandler = ({
  callsPerMinute = 120,
  bodyBytes = 1_000_000,
  ...options
}: McpHandlerOptions) => {
  const agents = new Map<string, Agent>()
  const isOver = ({ calls }: Agent) => calls > callsPerMinute
  const isPast = ({ since }: Agent) => Date.now() - since >= MINUTE_MS

  const agentOf = (key: string): Agent => {
    const known = agents.get(key)
    const agent = known && !isPast(known) ? known : newAgent()
    agents.delete(key)
    agents.set(key, agent)
    // One that is over its limit isn't forgotten because others come.
    for (const [oldest, other] of agents) {
      if (agents.size <= MOST_AGENTS) break
      if (!isOver(other) || isPast(other)) agents.delete(oldest)
    }
    return agent
  }

  const answer = async (request: IncomingMessage & { body?: unknown }, response: ServerResponse) => {
    if (isBrowser(request)) return refuse(response, 403, 'Pages of browsers may not call this.')
    if (request.method !== 'POST') return refuse(response, 405, 'POST alone.', { Allow: 'POST' })
    const { authorization, 'x-api-key': apiKey } = request.headers
    const headers = {
      ...(authorization && { Authorization: authorization }),
      ...(apiKey && { 'X-API-Key': String(apiKey) }),
    }
    if (Object.keys(headers).length === 0)
      return refuse(response, 401, 'Sign in: Authorization is missing.', { 'WWW-Authenticate': 'Bearer' })
    const credentials = keysOf(headers).map(agentOf)
    for (const counted of credentials) counted.calls += 1
    const over = credentials.find(isOver)
    if (over) {
      const waitS = Math.ceil((over.since + MINUTE_MS - Date.now()) / 1000)
      return refuse(response, 429, 'Too many calls.', { 'Retry-After': String(Math.max(1, waitS)) })
    }
    const agent = credentials.length === 1 ? (credentials[0] as Agent) : newAgent()
    const body = request.body ?? (await readJson(request, bodyBytes))
    if (response.destroyed) return
    if (body === null || typeof body !== 'object')
      return refuse(response, 400, `A JSON object of at most ${bodyBytes} bytes is expected.`, {
        Connection: 'close',
      })
    const tools = async (api: ApiOptions) => {
      if (!agent.tools || Date.now() - agent.at > TOOLS_MS) {
        agent.at = Date.now()
        agent.tools = toolsFor(api)
      }
      const found = await agent.tools
      if ('refused' in found) agent.tools = null
      return found
    }
    const server = createServer({ ...options, headers }, tools)
    const transport = new StreamableHTTPServerTransport({ enableJsonResponse: true })
    response.once('close', () => void server.close())
    await server.connect(transport)
    await transport.handleRequest(request, response, body)
  }

  // What fails is answered here: not every host takes a rejection. What breaks off has nobody who reads an answer.
  return (
    request: IncomingMessage & { body?: unknown },
    response: ServerResponse,
    _next?: unknown,
  ): Promise<void> =>
    answer(request, response).catch((error) => {
      if (request.destroyed || response.headersSent) return void response.destroy()
      loggerOf(undefined).error({ err: error }, 'A request of an agent failed.')
      refuse(response, 500, 'The call failed.')
    })
}

// Streamable HTTP (MCP 2025-06-18) for an app's own server: one request, one answer, without sessions.
// Invariant: who asks is decided by the API, by the same credentials; a page of another origin is refused, for browsers send cookies.
import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
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

/** `null`: too large, or no JSON. */
const readJson = async (request: IncomingMessage, most: number): Promise<unknown> => {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request) {
    bytes += (chunk as Buffer).length
    if (bytes > most) return null
    chunks.push(chunk as Buffer)
  }
  try {
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
  const agents = new Map<
    string,
    { since: number; calls: number; at: number; tools: ReturnType<typeof toolsFor> | null }
  >()

  const agentOf = (key: string) => {
    const now = Date.now()
    const known = agents.get(key)
    const agent =
      known && now - known.since < MINUTE_MS ? known : { since: now, calls: 0, at: 0, tools: null }
    agents.delete(key)
    agents.set(key, agent)
    for (const oldest of agents.keys()) {
      if (agents.size <= MOST_AGENTS) break
      agents.delete(oldest)
    }
    return agent
  }

  return async (
    request: IncomingMessage & { body?: unknown },
    response: ServerResponse,
    _next?: unknown,
  ): Promise<void> => {
    if (isBrowser(request)) return refuse(response, 403, 'Pages of browsers may not call this.')
    if (request.method !== 'POST') return refuse(response, 405, 'POST alone.', { Allow: 'POST' })
    const { authorization, 'x-api-key': apiKey } = request.headers
    const headers = {
      ...(authorization && { Authorization: authorization }),
      ...(apiKey && { 'X-API-Key': String(apiKey) }),
    }
    if (Object.keys(headers).length === 0)
      return refuse(response, 401, 'Sign in: Authorization is missing.', { 'WWW-Authenticate': 'Bearer' })
    const key = createHash('sha256').update(JSON.stringify(headers)).digest('base64')
    const agent = agentOf(key)
    agent.calls += 1
    if (agent.calls > callsPerMinute) {
      const waitS = Math.ceil((agent.since + MINUTE_MS - Date.now()) / 1000)
      return refuse(response, 429, 'Too many calls.', { 'Retry-After': String(Math.max(1, waitS)) })
    }
    const body = request.body ?? (await readJson(request, bodyBytes))
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
}

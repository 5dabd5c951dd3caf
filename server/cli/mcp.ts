// `noclobber mcp`: an MCP server on standard input and output, for agents on this machine. It asks the API as the token's agent.
import { Console } from 'node:console'
import { Writable } from 'node:stream'
import { API, API_HELP, signedInApi } from './api.ts'
import { COMMON, type Command, EXIT, UsageError } from './command.ts'

const SDK = '@modelcontextprotocol/sdk'

export const mcp: Command = {
  name: 'mcp',
  usage: '[--url URL] [--token TOKEN]',
  summary: 'serve an agent by the Model Context Protocol, on standard input and output',
  help: [...API_HELP, '', `The token is the agent’s own: its saves are in its name. It needs ${SDK}.`],
  options: { ...COMMON, ...API },
  run: async (terminal, values) => {
    const { base, token } = signedInApi(terminal, values)
    const [{ createMcpServer }, { StdioServerTransport }] = await Promise.all([
      import('../mcp/index.ts'),
      import('@modelcontextprotocol/sdk/server/stdio.js'),
    ]).catch((error) => {
      throw new UsageError(`${SDK} is missing: npm install ${SDK}. (${(error as Error).message})`)
    })
    const headers: Record<string, string> = token ? { Authorization: `Bearer ${token}` } : {}
    const server = createMcpServer({ url: base, headers })
    // Standard output is the protocol's: what else a module of this process prints goes beside it.
    globalThis.console = new Console(
      new Writable({
        write: (text, _encoding, done) => {
          terminal.err(String(text).trimEnd())
          done()
        },
      }),
    )
    const closed = new Promise<void>((resolve) => {
      server.onclose = resolve
      terminal.signal.addEventListener('abort', () => resolve(), { once: true })
      terminal.onInputEnd?.(resolve)
    })
    await server.connect(new StdioServerTransport())
    await closed
    await server.close()
    return EXIT.done
  },
}

// The door `noclobber/mcp`: agents as colleagues, by the Model Context Protocol. It needs `@modelcontextprotocol/sdk`.
export type { ApiOptions } from './api.ts'
export { asAgent } from './as-agent.ts'
export type { McpHandlerOptions } from './handler.ts'
export { mcpHandler } from './handler.ts'
export type { McpServerOptions } from './server.ts'
export { createMcpServer } from './server.ts'

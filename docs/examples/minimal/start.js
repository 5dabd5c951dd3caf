// Starts the app: Vite serves the page, and loads the server's TypeScript.
import { createServer } from 'vite'

const vite = await createServer({ appType: 'spa', server: { middlewareMode: true, hmr: false, ws: false } })
const { start } = await vite.ssrLoadModule('/server.ts')
await start(vite)

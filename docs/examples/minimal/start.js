// Starts the app: Vite serves the page, and loads the server's TypeScript.
import express from 'express'
import { createAppServer } from 'noclobber/server'
import { createServer } from 'vite'

const app = express()
const server = createAppServer(app)
const vite = await createServer({ appType: 'spa', server: { middlewareMode: true, hmr: { server } } })
const { start } = await vite.ssrLoadModule('/server.ts')
await start(app, server, vite)

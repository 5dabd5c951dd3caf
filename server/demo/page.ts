// The demo's page: Vite's build, and one document for every address that the browser's own router knows.
// Invariant: a program that asks for something that isn't there gets a problem document; a browser gets a page, with 404.
import { join } from 'node:path'
import compression from 'compression'
import express, { type RequestHandler, type Response, Router } from 'express'

const PAGES = ['/', '/projects', '/projects/:id', '/tasks', '/parts', '/split', '/catalogue']

const HEADERS = {
  'Content-Security-Policy': [
    "default-src 'self'",
    "connect-src 'self' ws: wss:",
    "img-src 'self' data:",
    "frame-ancestors 'self'",
    "base-uri 'none'",
    "form-action 'self'",
  ].join('; '),
  'Referrer-Policy': 'same-origin',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'SAMEORIGIN',
}

/** Headers that keep the page to itself: its own scripts, its own frames. */
export const pageHeaders: RequestHandler = (_request, response, next) => {
  response.set(HEADERS)
  next()
}

/** Serves the built page from `directory`. */
export const pageRoutes = (directory: string): Router => {
  const routes = Router()
  routes.use(compression())
  routes.use(
    '/assets',
    express.static(join(directory, 'assets'), { immutable: true, maxAge: '1y', fallthrough: false }),
  )
  routes.use(express.static(directory, { index: false, maxAge: 0 }))
  const sendPage = (response: Response) =>
    response.set('Cache-Control', 'no-cache').sendFile('index.html', { root: directory })
  routes.get(PAGES, (_request, response) => sendPage(response))
  // A person at an unknown address gets a page that says so, with the status of one.
  routes.get('/{*path}', (request, response, next) => {
    const isPage =
      request.accepts(['json', 'html']) === 'html' && !/^\/(api|demo|assets)\//.test(request.path)
    if (isPage) sendPage(response.status(404))
    else next()
  })
  return routes
}

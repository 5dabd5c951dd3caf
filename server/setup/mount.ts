// Where an app mounts the routes, and what its pages need then, as lines for people. Invariant: no path of the app's own is taken.
import type { FoundApp, Host } from './look-at-app.ts'
import type { TableProposal } from './look-at-tables.ts'
import { typeNameOf } from './records-text.ts'

/** Where the routes are mounted: not among an app's own, whose `/events` they would answer. */
export const mountPath = ({ hasOwnApi }: FoundApp): string => (hasOwnApi ? '/live' : '/api/v1')

export const mountLines = (path: string): Record<Host | 'node', string[]> => ({
  node: [
    `createServer(records.handler)               // or for the paths below ${path} alone`,
    'records.attach(server)',
  ],
  express: [
    `app.use('${path}', records.router)       // before cors() and your body parsers`,
    'records.attach(server)                   // what app.listen(…) gives',
  ],
  nestjs: [
    `app.use('${path}', records.router)       // in main.ts, before listen`,
    'records.attach(app.getHttpServer())',
  ],
  fastify: ['as docs/stacks.md shows for Fastify: records.handler in a scope without its readers of bodies'],
  koa: ['as docs/stacks.md shows for Koa: records.handler before any reader of bodies'],
  hono: ['as docs/stacks.md shows for Hono: records.handler by @hono/node-server'],
})

/** What the page needs, and the server that serves it in development. */
export const pageLines = (app: FoundApp, tables: TableProposal[]): string[] => {
  const { packages, pages, proxyFile, hasOwnApi } = app
  const create = `createRecordClient(${hasOwnApi ? `{ url: '${mountPath(app)}' }` : ''})`
  const isReact = packages.has('react') || pages?.framework === 'react'
  const where = pages ? `In the page, with noclobber installed in ${pages.folder} too` : 'In the page'
  const type = tables[0] ? `('${typeNameOf(tables[0].name)}', id)` : ''
  return [
    isReact
      ? `${where}: ${create} of noclobber/client, <LiveProvider client={client}> and useRecordEditor${type} of noclobber/react`
      : `${where}: ${create} of noclobber/client, and noclobber/dom: docs/without-react.md`,
    ...(proxyFile
      ? [
          `${proxyFile}: let its proxy pass on '${mountPath(app)}' and, with ws: true, '/socket.io', both without changeOrigin: docs/existing-app.md#3-the-form`,
        ]
      : []),
  ]
}

// The HTTP routes, ready to be mounted. Whatever begins with /records, /changes or /events and is none of them is
// answered here too.
import express, { type Router } from 'express'
import { sendProblem } from './answers.ts'
import { addBulkRoutes } from './bulk-routes.ts'
import { addChangeRoutes, type ChangeRouteOptions } from './change-routes.ts'
import { admit, answerFailure, type EntryOptions } from './entry.ts'
import { problem } from './errors.ts'
import { addEventRoute, type EventStreamOptions } from './event-stream.ts'
import { addImportRoutes, type ImportRouteOptions } from './import-routes.ts'
import { addListRoutes, listHandlers } from './list-routes.ts'
import { addOpenApiRoute } from './openapi.ts'
import { addRecordRoutes, recordHandlers } from './record-routes.ts'
import { shortcut } from './shortcut.ts'

export interface RouterOptions extends ChangeRouteOptions, EventStreamOptions, EntryOptions {
  node: EntryOptions['node'] & ImportRouteOptions['node']
}

/** The router: `app.use('/api/v1', records.router)`. */
export const recordRouter = (options: RouterOptions): Router => {
  const router = express.Router()
  const ofRecord = recordHandlers(options)
  const ofLists = listHandlers(options)
  router.use(shortcut({ ...ofRecord, ...ofLists }, options))
  const entry = admit(options)
  router.use(options.node.metrics.observe)
  router.use('/records', entry, express.json({ limit: options.limits.bodyBytes }))
  router.use(['/changes', '/events'], entry)
  addOpenApiRoute(router, options.database)
  addListRoutes(router, ofLists)
  addBulkRoutes(router, options)
  addImportRoutes(router, options)
  addRecordRoutes(router, ofRecord)
  addChangeRoutes(router, options)
  addEventRoute(router, options)
  router.use(['/records', '/changes', '/events'], (_request, response) =>
    sendProblem(response, problem('not_found')),
  )
  router.use(answerFailure(options.log))
  return router
}

// The demo's routes for operators: liveness, readiness, metrics.
import { Router } from 'express'
import type { RecordServer } from 'noclobber/server'

/** `/healthz`: the process lives. `/readyz`: send requests here. `/metrics`: for Prometheus. */
export const operationRoutes = (records: RecordServer): Router => {
  const routes = Router()
  routes.get('/healthz', (_request, response) => {
    response.json({ status: 'ok' })
  })
  routes.get('/readyz', async (_request, response) => {
    const health = await records.health()
    const isReady = health.status !== 'unavailable' && !health.draining
    response
      .status(isReady ? 200 : 503)
      .set('Cache-Control', 'no-store')
      .json(health)
  })
  routes.get('/metrics', async (_request, response) => {
    response.type(records.metrics.contentType).send(await records.metrics.text())
  })
  return routes
}

// What OpenTelemetry's own SDK sees of a save and of its way to those who watch.
import { context, propagation, trace } from '@opentelemetry/api'
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startApp, type TestApp } from '../../support/app.ts'
import { waitFor } from '../../support/wait-for.ts'

const exporter = new InMemorySpanExporter()
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
let app: TestApp

beforeAll(async () => {
  provider.register()
  app = await startApp()
})
afterAll(async () => {
  await provider.shutdown()
  for (const part of [trace, context, propagation]) part.disable()
})

const spans = (name: string) =>
  exporter.getFinishedSpans().filter((span) => span.name === `noclobber.${name}`)

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const PARENT = 'b7ad6b7169203331'
const traceparent = `00-${TRACE}-${PARENT}-01`

test('a save is a span in the trace of its request, with the type and how it came out', async () => {
  const { id } = await app.make('project', { name: 'Bridge' })
  exporter.reset()
  const save = (name: string) =>
    app.call('PATCH', `/records/project/${id}`, {
      body: { client_version: 1, changes: { name } },
      headers: { traceparent },
    })
  expect([(await save('Typed by Alice')).status, (await save('Typed again')).status]).toEqual([200, 409])
  expect(spans('save').map(({ attributes }) => attributes)).toEqual([
    { 'noclobber.type': 'project', 'noclobber.outcome': 'saved' },
    { 'noclobber.type': 'project', 'noclobber.outcome': 'conflict' },
  ])
  for (const span of spans('save')) {
    expect(span.spanContext().traceId).toBe(TRACE)
    expect(span.parentSpanContext?.spanId).toBe(PARENT)
  }
  const all = exporter.getFinishedSpans().map(({ name, attributes }) => ({ name, attributes }))
  expect(JSON.stringify(all)).not.toContain('Typed by Alice')
})

test('a span of the app’s own is the parent, whatever the request says', async () => {
  const { id } = await app.make('project', { name: 'Bridge' })
  exporter.reset()
  const actor = app.people.get('alice')
  if (!actor || actor instanceof Error) throw new Error('Alice is not there.')
  const parent = trace.getTracer('the app').startSpan('approve')
  const outcome = await context.with(trace.setSpan(context.active(), parent), () =>
    app.records.save('project', id, { actor, clientVersion: 1, changes: { name: 'Approved' } }),
  )
  parent.end()
  expect(outcome.outcome).toBe('saved')
  expect(spans('save')[0]?.parentSpanContext?.spanId).toBe(parent.spanContext().spanId)
})

test('reading the log is a span where there was something to read, and handing it on another within it', async () => {
  const watcher = await app.socket()
  const { id } = await app.make('project', { name: 'Bridge' })
  await watcher.watch(['project', id])
  // The creation is handed on by now, or nobody watched it.
  await watcher.forget()
  await waitFor(() => spans('deliver').length > 0 && spans('feed.read').length > 0, {
    what: 'the mark’s spans',
  })
  exporter.reset()
  await app.sql('update projects set name = ? where id = ?', ['By SQL', id])
  await watcher.receives('RecordUpdated', { id })
  const [deliver] = await waitFor(() => (spans('feed.read').length > 0 ? spans('deliver') : null), {
    what: 'the spans to end',
  })
  expect(deliver?.attributes).toEqual({ 'noclobber.changes': 1, 'noclobber.large_transactions': 0 })
  const read = spans('feed.read').find(
    (span) => span.spanContext().spanId === deliver?.parentSpanContext?.spanId,
  )
  expect(read?.parentSpanContext).toBeUndefined()
})

test('what fails is marked as failed, and thrown as it was', async () => {
  exporter.reset()
  const actor = { id: 'alice', name: 'Alice', tenantId: 'acme', role: 'editor' as const }
  const changes = { name: 'x' }
  const transaction = await app.knex.transaction()
  await transaction.raw('select 1 / 0').catch(() => {})
  await expect(
    app.records.save('project', '1', { actor, clientVersion: 1, changes, transaction }),
  ).rejects.toThrow()
  await transaction.rollback()
  expect(spans('save')[0]?.status.code).toBe(2)
})

// Starts one server of docs/stacks.md and uses it: requests, a stale save, an import, and events over a socket and a stream.
import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { createRecordClient } from 'noclobber/client'

const port = await new Promise((resolve) => {
  const probe = createServer().listen(0, () => {
    const { port } = probe.address()
    probe.close(() => resolve(port))
  })
})
process.env.PORT = String(port)
await import(process.env.HOST_FILE)

const origin = `http://localhost:${port}`
const until = async (what, condition) => {
  for (const deadline = Date.now() + 20_000; Date.now() < deadline; ) {
    if (await condition()) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error(`Waited in vain for ${what}.`)
}
const call = async (method, path, body, type = 'application/json') => {
  const headers = { authorization: 'Bearer alice', 'content-type': type }
  const sent = typeof body === 'object' ? JSON.stringify(body) : body
  const response = await fetch(`${origin}/api/v1${path}`, { method, headers, ...(sent && { body: sent }) })
  return { status: response.status, body: await response.json() }
}

await until('the server', () =>
  fetch(origin).then(
    () => true,
    () => false,
  ),
)
const made = await call('POST', '/records/boat', { fields: { name: 'Gull' } })
assert.equal(made.status, 201)
const path = `/records/boat/${made.body.data.id}`
let version = 1
for (const kind of ['websocket', 'event_stream']) {
  const client = createRecordClient({ url: `${origin}/api/v1`, token: () => 'alice', transports: [kind] })
  const editor = client.editor('boat', made.body.data.id)
  editor.subscribe(() => {})
  await until(`a ${kind}`, () => editor.get().record && client.connection.get().status === 'live')
  const saved = await call('PATCH', path, { client_version: version, changes: { name: kind } })
  assert.equal(saved.status, 200)
  version = saved.body.data.version
  await until(`an event over ${kind}`, () => editor.get().record.fields.name === kind)
  client.close()
}
assert.equal((await call('PATCH', path, { client_version: 1, changes: { name: 'X' } })).status, 409)
assert.equal((await call('POST', '/records/boat/import', 'name\nA\n', 'text/csv')).body.data.created, 1)
assert.equal((await call('GET', '/records/boat?sort[]=x')).status, 400)
process.exit(0)

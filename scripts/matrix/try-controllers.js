// Starts the Nest app of docs/frameworks.md and saves by its controller: what its guard, its pipe and the guard of versions refuse; and
// that the routes beside it pass on what isn't theirs.
import assert from 'node:assert/strict'
import { createServer } from 'node:net'

const port = await new Promise((resolve) => {
  const probe = createServer().listen(0, () => {
    const { port } = probe.address()
    probe.close(() => resolve(port))
  })
})
process.env.PORT = String(port)
await import(process.env.HOST_FILE)

const call = async (method, path, body, authorization = 'Bearer alice') => {
  const headers = { authorization, 'content-type': 'application/json' }
  const response = await fetch(`http://localhost:${port}/api/v1${path}`, {
    ...{ method, headers },
    ...(body && { body: JSON.stringify(body) }),
  })
  return { status: response.status, body: await response.json() }
}
const rename = (id, body, by) => call('PATCH', `/boats/${id}/name`, body, by)

assert.equal((await call('POST', '/records/boat', { fields: { name: 'Gull' } })).status, 201)
const saved = await rename(1, { client_version: 1, name: 'Tern' })
assert.deepEqual([saved.status, saved.body.data.version], [200, 2])
const stale = await rename(1, { client_version: 1, name: 'Swan' })
assert.deepEqual(
  [stale.status, stale.body.code, stale.body.current.fields.name],
  [409, 'stale_record', 'Tern'],
)
assert.equal((await rename(1, { client_version: 2, name: '' })).body.errors[0].field, 'name')
assert.equal((await rename(1, { name: 'Swan' })).status, 428)
assert.equal((await rename('first', { client_version: 2, name: 'Swan' })).status, 400)
assert.equal((await rename(1, { client_version: 2, name: 'Swan' }, 'Bearer mallory')).status, 401)
assert.equal((await call('GET', '/records/boat/1')).body.data.fields.name, 'Tern')
assert.equal((await call('GET', '/nothing')).body.message, 'Cannot GET /api/v1/nothing')
process.exit(0)

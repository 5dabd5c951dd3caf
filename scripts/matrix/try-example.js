// Starts an app of docs/examples by its own command, and uses it: its page and its scripts are there, a save passes, a stale one doesn't.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'

const { scripts } = JSON.parse(await readFile('package.json', 'utf8'))
const app = spawn(scripts.start, { shell: true, stdio: ['ignore', 'pipe', 'inherit'], detached: true })
try {
  let origin
  for await (const line of createInterface(app.stdout)) {
    ;[origin] = /http:\/\/localhost:\d+/.exec(line) ?? []
    if (origin) break
  }
  assert.ok(origin, 'it has ended')

  const page = await (await fetch(origin, { headers: { accept: 'text/html' } })).text()
  const [, script] = /src="(\/(?:page|app)\.\w+)"/.exec(page) ?? []
  const loaded = await fetch(origin + script)
  assert.equal(loaded.status, 200)
  const code = await loaded.text()
  for (const [, from] of code.matchAll(/from "(\/[^"]+)"/g))
    assert.equal((await fetch(origin + from)).status, 200, from)

  const headers = { authorization: 'Bearer alice', 'content-type': 'application/json' }
  const save = (body) =>
    fetch(`${origin}/api/v1/records/project/1`, { method: 'PATCH', headers, body: JSON.stringify(body) })
  assert.equal((await save({ client_version: 1, changes: { name: 'Tunnel' } })).status, 200)
  assert.equal((await save({ client_version: 1, changes: { name: 'Dam' } })).status, 409)
} finally {
  process.kill(-app.pid, 'SIGTERM')
  await once(app, 'exit')
}
process.exit(0)

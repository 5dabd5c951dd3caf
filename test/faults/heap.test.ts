// A node doesn't die of its age: whatever comes and goes leaves nothing in its heap. Each kind of use is done a few times,
// so that what is made once is there, then many times, and the heap may not have grown. `npm run soak -- heap` reads
// NOCLOBBER_CHANGES changes, and does the rest as many times more as that is more than here.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import createKnex, { type Knex } from 'knex'
import { expect, test } from 'vitest'
import { freePort } from '../../scripts/free-port.js'
import { trackTables } from '../support/app.ts'
import { connectWatcher } from '../support/app-socket.ts'
import { atEnd } from '../support/at-end.ts'
import { bundleOf } from '../support/bundled-node.ts'
import { grownBetween } from '../support/heap-snapshot.ts'
import { RECORDS, usesOf } from '../support/heap-users.ts'
import { freshDatabase } from '../support/postgres.ts'
import { oneIn } from '../support/short-run.ts'

const FEW_CHANGES = 10_000
const CHANGES = Number(process.env.NOCLOBBER_CHANGES ?? FEW_CHANGES)
const LARGER = Math.max(1, Math.round(CHANGES / FEW_CHANGES / 5))
/** More than a heap differs by from one look to the next, and far less than what is left behind would come to. */
const MOST_BYTES = CHANGES > FEW_CHANGES ? 5e6 : 2e6
/** What is done before the first look. */
const WARM = 0.1

const database = await freshDatabase()
const knex = createKnex({ client: 'pg', connection: database.url, pool: { min: 0, max: 2 } })
atEnd(() => knex.destroy())
await trackTables(knex)
await knex.raw(
  `insert into tasks (tenant_id, project_id, title)
  select 't' || (n - 1) % 40, n % 7, 'x' from generate_series(1, ?) n`,
  [RECORDS],
)
await knex.raw(`create schema noclobber_test`)
await knex.raw(`create procedure noclobber_test.churn(n integer) language plpgsql as $$ begin
  for i in 1..n loop update tasks set title = 'T' || i where id = 1 + i % ${RECORDS}; commit; end loop; end $$`)

const port = await freePort()
const node = spawn(process.execPath, ['--expose-gc', await bundleOf('heap-node')], {
  env: { ...process.env, DATABASE_URL: database.url, PORT: String(port) },
  stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
})
atEnd(() => node.kill('SIGKILL'))
await once(node, 'message')

const heapOf = async (snapshot?: string): Promise<number> => {
  const answer = once(node, 'message')
  node.send({ snapshot })
  const [{ bytes }] = await answer
  return bytes
}

const sql = async (text: string, bindings: unknown[] = []) =>
  (await knex.raw(text, bindings as Knex.RawBinding[])).rows ?? []
const app = { origin: `http://127.0.0.1:${port}`, sql }
const follower = await connectWatcher(app, { as: 'follower@t0' })
/** People are not met again. */
let met = 0

test.each(oneIn(3, usesOf(app)))('$name leave nothing behind', { timeout: 120_000 * LARGER }, async (use) => {
  const doTimes = async (times: number) => {
    if (use.name === 'changes of the log') await use.run(times)
    else {
      let left = times
      const work = async () => {
        while (left > 0) {
          left -= 1
          met += 1
          await use.run(met)
        }
      }
      await Promise.all(Array.from({ length: use.atOnce }, work))
    }
    await follower.forget()
  }
  const times = use.name === 'changes of the log' ? CHANGES : use.times * LARGER
  await doTimes(use.name === 'changes of the log' ? FEW_CHANGES : Math.ceil(use.times * WARM))
  const [first, last] = [1, 2].map((n) =>
    join(tmpdir(), `noclobber-heap-${process.pid}-${n}.heapsnapshot`),
  ) as [string, string]
  atEnd(() => Promise.all([first, last].map((path) => rm(path, { force: true }))))
  const before = await heapOf(LARGER > 1 ? first : undefined)
  await doTimes(times)
  const after = await heapOf()
  const grown = after - before
  console.log(`${use.name}: ${times} times, ${(before / 1e6).toFixed(1)} to ${(after / 1e6).toFixed(1)} MB`)
  if (grown >= MOST_BYTES && LARGER > 1) {
    await heapOf(last)
    console.log(grownBetween(first, last))
  }
  expect(grown).toBeLessThan(MOST_BYTES)
})

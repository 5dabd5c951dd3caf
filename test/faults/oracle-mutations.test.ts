// Mutation test of the oracle: the same run with the reader that every other system begins with, `seq > cursor`, must be found
// out. What stands in for the log's reader differs from it in that one condition alone.
import { expect, test, vi } from 'vitest'
import type { createLogReader, LogReader } from '../../server/log/log-reader.ts'
import { isClean, runOracle } from '../support/oracle.ts'
import { HELD_PROJECT } from '../support/oracle-writers.ts'

vi.mock('../../server/log/log-reader.ts', async (importOriginal) => {
  const real = await importOriginal<typeof import('../../server/log/log-reader.ts')>()
  const { sendOn, statement } = await import('../../server/db/statement.ts')
  const { COLUMNS } = await import('../../server/log/log-sql.ts')
  const afterSeq = statement(`
    with here as materialized (select coalesce($4::text, pg_current_snapshot()::text) as snapshot, noclobber.epoch() as epoch)
    select here.snapshot as here, here.epoch as epoch, c.* from here left join lateral (
      select ${COLUMNS} from noclobber.changes c
      where c.seq > coalesce($3::bigint, (select max(b.seq) from noclobber.changes b
          where pg_visible_in_snapshot(b.xid, $1::pg_snapshot)), 0)
        and pg_visible_in_snapshot(c.xid, here.snapshot::pg_snapshot)
        and not exists (select from unnest($5::text[], $6::text[]) w(xid, source)
          where w.xid = c.xid::text and w.source = c.table_name)
      order by c.seq limit $2) c on true order by c.seq`)
  const naive: typeof createLogReader = (connection, driver, named = true): LogReader => {
    const { here, changesOf } = real.createLogReader(connection, driver, named)
    const changesAfter: LogReader['changesAfter'] = async ({ epoch, snapshot }, limit, { rest } = {}) => {
      const without = rest?.without ?? []
      const sources = [without.map(({ xid }) => xid), without.map(({ source }) => source)]
      const values = [snapshot, limit + 1, rest?.afterSeq ?? null, rest?.upTo.snapshot ?? null, ...sources]
      const { rows } = await sendOn(connection, driver, afterSeq, values, named)
      const changes = rows.filter((row) => row.xid !== null).map(real.toChange)
      const [first] = rows
      return {
        changes: changes.slice(0, limit),
        cursor: first ? { epoch: first.epoch, snapshot: first.here } : { epoch, snapshot },
        more: changes.length > limit,
        asOf: null,
      }
    }
    const keysAfter: LogReader['keysAfter'] = async (cursor, limit, { rest }) => {
      const { changes, ...page } = await changesAfter(cursor, limit, { rest })
      return { ...page, keys: changes.map((change) => ({ ...change, isImported: change.importId !== null })) }
    }
    return { here, changesOf, changesAfter, keysAfter }
  }
  return { ...real, createLogReader: naive }
})

const SEED = Number(process.env.NOCLOBBER_SEED ?? Date.now() % 2 ** 31)

test('a feed that reads what is greater than the last number is found out', {
  timeout: 120_000,
}, async () => {
  console.log(`oracle, seq > cursor: seed ${SEED}`)
  const { verdict, figures } = await runOracle({ seed: SEED, commits: 150, deadlineMs: 2_000 })
  expect(isClean(verdict)).toBe(false)
  expect(verdict.log).toEqual({ unlogged: [], unwritten: [], importedChanges: 0 })
  const missed = Object.values(verdict.followers).map(({ missed: keys }) => keys.length)
  console.log(`oracle, seq > cursor: of ${figures.changes} changes followers missed ${missed.join(', ')}`)
  const held = /^task \d+ v1 created$/
  for (const name of ['pages of 7', 'long polls', 'cut off and restarted'])
    expect(verdict.followers[name]?.missed).toEqual(
      expect.arrayContaining([expect.stringMatching(held), 'tag held v1 created']),
    )
  expect(verdict.views['socket, records']).toContain(`project:${HELD_PROJECT}: 1/2`)
})

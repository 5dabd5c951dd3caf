// Generated schedules of saves and of histories that go back, against a book of what each version was: no version is ever given to two
// contents, and no save passes that was built on a lost one. Going back is played in SQL, as a crash or a restore leaves a database:
// rows, log and sequences of before, unlogged tables empty, sessions gone. `npm run soak -- history` plays 200.
import knex, { type Knex } from 'knex'
import { expect, test } from 'vitest'
import { trackTable } from '../../migrations/index.ts'
import { atEnd } from '../support/at-end.ts'
import { keptTables } from '../support/kept-tables.ts'
import { freshDatabase } from '../support/postgres.ts'
import { type Random, randomOf } from '../support/random.ts'
import { byRun } from '../support/short-run.ts'

const SCHEDULES = Number(process.env.NOCLOBBER_SCHEDULES ?? byRun({ short: 3, full: 6 }))
const SEED = Number(process.env.NOCLOBBER_SEED ?? 1)
const STEPS = 14

const BACKUP = [
  't',
  'noclobber.record_changes',
  'noclobber.change_batches',
  'noclobber.log_epoch',
  'noclobber.version_base',
  'noclobber.noted_floors',
]

const world = async () => {
  const { url } = await freshDatabase()
  const open = () => knex({ client: 'pg', connection: url, pool: { min: 0, max: 1 } })
  const admin = open()
  atEnd(() => admin.destroy())
  await admin.raw(`create table t (id integer primary key, body text)`)
  await trackTable(admin, 't')
  return { admin, open }
}

/** Plays one; gives what went wrong. */
const play = async (random: Random, spoil: (admin: Knex) => Promise<unknown> = async () => {}) => {
  const { admin, open } = await world()
  await spoil(admin)
  const backup = keptTables(admin, BACKUP)
  let session = open()
  const wrong: string[] = []
  /** By record and version the content that was given under it. */
  const book = new Map<string, string>()
  /** What a page still shows. */
  const held: { id: number; version: number; body: string }[] = []
  let writes = 0
  const note = (id: number, version: number, body: string) => {
    const before = book.get(`${id} ${version}`)
    if (before !== undefined && before !== body)
      wrong.push(`version ${version} of ${id} is ${before} and ${body}`)
    book.set(`${id} ${version}`, body)
    held.push({ id, version, body })
  }
  await backup.keep()
  for (let step = 0; step < STEPS; step += 1) {
    const what = random.pick([
      'create',
      'save',
      'save',
      'stale',
      'stale',
      'remove',
      'back up',
      'back',
      'epoch',
    ])
    const id = 1 + random.below(2)
    const body = `${writes++}`
    if (what === 'back up') await backup.keep()
    else if (what === 'epoch') await session.raw('select noclobber.epoch()')
    else if (what === 'back') {
      await session.destroy()
      await backup.putBack('truncate noclobber.version_floors')
      session = open()
    } else if (what === 'create') {
      const { rows } = await session.raw(
        'insert into t values (?, ?) on conflict do nothing returning version',
        [id, body],
      )
      if (rows[0]) note(id, Number(rows[0].version), body)
    } else if (what === 'remove') await session.raw('delete from t where id = ?', [id])
    else {
      const base = what === 'stale' ? random.pick([...held, { id, version: 1, body: '' }]) : null
      const guard = base ? 'and version = ?' : ''
      const { rows: before } = await session.raw('select body from t where id = ?', [base?.id ?? id])
      const { rows } = await session.raw(`update t set body = ? where id = ? ${guard} returning version`, [
        body,
        base?.id ?? id,
        ...(base ? [base.version] : []),
      ])
      if (!rows[0]) continue
      if (base && base.body !== '' && before[0]?.body !== base.body)
        wrong.push(`a save on ${base.body} went over ${before[0]?.body}`)
      note(base?.id ?? id, Number(rows[0].version), body)
    }
  }
  await session.destroy()
  await admin.destroy()
  return wrong
}

test('generated schedules give no version twice', { timeout: 600_000 }, async () => {
  for (let at = 0; at < SCHEDULES; at += 1) {
    const seed = SEED + at
    expect([seed, await play(randomOf(seed))]).toEqual([seed, []])
  }
})

test('the same schedules catch a database that counts by the version alone', { tags: 'full' }, async () => {
  const countsAlone = (admin: Knex) =>
    admin.raw(`create or replace function noclobber.next_version(version bigint, relation oid) returns bigint
      language sql volatile as 'select version + 1'`)
  const caught: string[] = []
  for (let seed = 1; caught.length === 0 && seed < 40; seed += 1)
    caught.push(...(await play(randomOf(seed), countsAlone)))
  expect(caught.length).toBeGreaterThan(0)
})

// The database's history goes back while pages of every kind are open, on real PostgreSQL servers with their own tools: a
// schedule of saves for each way that test/faults/history.test.ts doesn't try. `npm run soak -- history` plays 200 of all
// ways, with the pages' timers as slow as the clock.
import { describe, expect, test } from 'vitest'
import { KINDS, type KindName } from '../support/history-kinds.ts'
import { startHistoryPlay } from '../support/history-play.ts'
import { isWithout } from '../support/programs.ts'
import { randomOf } from '../support/random.ts'

const SEED = Number(process.env.NOCLOBBER_SEED ?? 1)
const SCHEDULES = Number(process.env.NOCLOBBER_SCHEDULES ?? 0)
const SPEED = Number(process.env.NOCLOBBER_SPEED ?? (SCHEDULES > 0 ? 1 : 10))
const names = Object.keys(KINDS) as KindName[]

const FAULTS: [KindName, string][] = [
  ['synchronous standby', 'fault:synchronous-standby-promoted'],
  ['point in time by clock', 'fault:recovered-to-a-time'],
  ['pg_restore --clean, nodes away', 'fault:restored-in-place'],
  ['pg_restore --clean, nodes beside', 'fault:restored-in-place'],
  ['split brain', 'fault:split-brain-healed'],
]

describe.skipIf(isWithout('postgresql'))('pages come out right', async () => {
  if (isWithout('postgresql')) return
  const { play, servers } = await startHistoryPlay({ speed: SPEED })

  for (const [kind, fault] of FAULTS)
    test(`after: ${kind}`, { tags: kind === 'synchronous standby' ? fault : [fault, 'full'] }, async () => {
      const { wrong } = await play(randomOf(SEED), kind)
      expect(wrong).toEqual([])
    })

  if (SCHEDULES > 0)
    test('in generated schedules on real servers', { timeout: 36_000_000 }, async () => {
      const took: number[] = []
      let lost = 0
      for (let at = 0; at < SCHEDULES; at += 1) {
        const seed = SEED + at
        const random = randomOf(seed)
        const kind = random.pick(names)
        const played = await play(random, kind)
        took.push(played.rightMs)
        lost += played.lost
        console.log(
          `${at} seed ${seed} ${kind}: right after ${Math.round(played.rightMs)} ms (last: ${played.last}), lost ${played.lost}`,
        )
        expect([seed, kind, played.wrong]).toEqual([seed, kind, []])
      }
      took.sort((one, other) => one - other)
      console.log(
        `${lost} saves of pages lost; right after ${Math.round(took[took.length >> 1] ?? 0)} ms, at most ${Math.round(took.at(-1) ?? 0)} ms`,
      )
    })

  test('not in a database that counts by the version alone', { tags: 'full' }, async () => {
    await servers.primary.sql(`create or replace function noclobber.next_version(version bigint, relation oid) returns bigint
      language sql volatile as 'select version + 1'`)
    const caught: string[] = []
    for (let seed = 1; caught.length === 0 && seed < 10; seed += 1)
      caught.push(...(await play(randomOf(seed), 'folder rolled back')).wrong)
    expect(caught.join()).toMatch(/at version \d+ is .* and |went over/)
  })
})

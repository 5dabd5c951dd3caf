// followChanges against a real server and a real database: writers of all kinds, transactions held open, rollbacks,
// connections cut. What SQL holds decides: nothing missed, nothing twice, nothing that was rolled back.

import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import type pg from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import type { WireChange } from '../../../../server/protocol/index.ts'
import {
  type FollowOptions,
  FollowRefusedError,
  followChanges,
} from '../../../../web/client/http/follow-changes.ts'
import { type ChangeApp, startChangeApp } from '../../../support/change-app.ts'
import { waitFor } from '../../../support/wait-for.ts'

const WRITERS = 10
const COMMITS = 480
const SEED = Number(process.env.SEED ?? 7)

/** A small generator of numbers from 0 to 1 that a seed repeats. */
const randomOf = (seed: number) => {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

/** A way to the app that can be cut. */
const startCable = async (url: string) => {
  const { hostname, port } = new URL(url)
  const pairs = new Set<Socket>()
  const server = createServer((near) => {
    const far = connect(Number(port), hostname)
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      pairs.add(one)
      one
        .on('error', () => {})
        .on('close', () => {
          pairs.delete(one)
          other.destroy()
        })
      one.pipe(other)
    }
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    for (const socket of pairs) socket.destroy()
    server.close()
  })
  const address = server.address() as { port: number }
  return {
    url: url.replace(`:${port}`, `:${address.port}`),
    cut: () => {
      for (const socket of pairs) socket.resetAndDestroy()
      return pairs.size
    },
  }
}

/** Follows from a stored cursor, and begins anew from it whenever it is asked to, as a program that crashes would. */
const startFollower = (options: FollowOptions) => {
  const seen: WireChange[] = []
  const resets: string[] = []
  let cursor = options.cursor ?? null
  let retries = 0
  let current = { stop: () => {} }
  const run = async () => {
    const following = followChanges({
      ...options,
      cursor,
      token: () => 'ann',
      onRetry: () => {
        retries += 1
      },
      onReset: (to) => void resets.push(to),
      clock: {
        now: Date.now,
        after: (ms, act) => {
          const timer = setTimeout(act, Math.min(ms, 40_000) / 10)
          return () => clearTimeout(timer)
        },
      },
      waitS: 2,
    })
    current = following
    for await (const batch of following) {
      seen.push(...batch.changes)
      cursor = batch.cursor
    }
  }
  let running = run()
  const stop = async () => {
    current.stop()
    await running
  }
  onTestFinished(stop)
  return {
    seen,
    resets,
    retries: () => retries,
    restart: async () => {
      await stop()
      running = run()
    },
    stop,
  }
}

const keyOf = ({ type, id, version, event }: Pick<WireChange, 'type' | 'id' | 'version' | 'event'>) =>
  `${type} ${id} v${version} ${event}`

/** One step of a transaction: one row, a new one, several at once, or a deletion. */
const step = (client: pg.Client, random: () => number, text: string) => {
  const kind = random()
  const id = 1 + Math.floor(random() * 40)
  if (kind < 0.5) return client.query('update notes set title = $1 where id = $2', [text, id])
  if (kind < 0.8) return client.query(`insert into notes (tenant_id, title) values ('a', $1)`, [text])
  if (kind < 0.9)
    return client.query('update notes set title = $1 where id between $2 and $2 + 3', [text, id])
  return client.query(
    'delete from notes where id = (select max(id) from notes where id between 41 and 999999)',
  )
}

/** One writer: transactions of a few steps, some held open, some rolled back, some ended by a deadlock. */
const write = async (app: ChangeApp, name: number, commits: number) => {
  const random = randomOf(SEED * 1_000 + name)
  const client = await app.connect()
  let rolledBack = 0
  for (let done = 0; done < commits; ) {
    await client.query('begin')
    const isGood = random() > 0.12
    try {
      const steps = 1 + Math.floor(random() * 3)
      for (let at = 0; at < steps; at += 1) await step(client, random, `${name} ${done} ${random()}`)
      if (random() < 0.05) await pause(random() * 40)
      await client.query(isGood ? 'commit' : 'rollback')
      if (isGood) done += 1
      else rolledBack += 1
    } catch {
      await client.query('rollback')
      rolledBack += 1
    }
  }
  return rolledBack
}

test(`${WRITERS} writers, ${COMMITS} commits: each follower ends with what SQL says, though its connection is cut`, async () => {
  const app = await startChangeApp()
  await app.sql(`insert into notes (tenant_id) select 'a' from generate_series(1, 40)`)
  const { body: start } = await app.ask('')
  const cable = await startCable(app.url)
  const followers = [
    startFollower({ url: app.url, cursor: start.cursor }),
    startFollower({ url: app.url, cursor: start.cursor, limit: 7 }),
    startFollower({ url: cable.url, cursor: start.cursor, limit: 50 }),
  ]
  const [, , shaken] = followers as [never, never, ReturnType<typeof startFollower>]
  const outsider = await app.connect()
  await outsider.query(`begin`)
  await outsider.query(
    `insert into notes (id, tenant_id, title) values (2000000, 'a', 'held open all along')`,
  )

  /** The reader that every other system begins with. */
  const naive: string[] = []
  const [{ top } = { top: '0' }] = await app.sql('select coalesce(max(seq), 0) as top from noclobber.changes')
  let seq = top as string
  const readNaively = async () => {
    const rows = await app.sql(
      `select seq, record_id as id, version, event from noclobber.changes where seq > ? order by seq`,
      [seq],
    )
    for (const row of rows) naive.push(keyOf({ type: 'note', ...row } as never))
    seq = rows.at(-1)?.seq ?? seq
  }

  let isWriting = true
  const shake = async () => {
    let cuts = 0
    while (isWriting) {
      await pause(60)
      await readNaively()
      if (cable.cut() > 0) cuts += 1
      if (cuts % 5 === 2) await shaken.restart()
    }
    return cuts
  }
  const shaking = shake()
  const rolledBack = await Promise.all(
    Array.from({ length: WRITERS }, (_, name) => write(app, name + 1, COMMITS / WRITERS)),
  )
  await outsider.query('commit')
  isWriting = false
  const cuts = await shaking
  await readNaively()

  const rows = await app.sql(
    `select record_id as id, version, event from noclobber.changes where seq > ? order by seq`,
    [top as string],
  )
  const truth = rows.map((row) => keyOf({ type: 'note', ...row } as never))
  expect(truth.length).toBeGreaterThan(COMMITS)
  expect(rolledBack.reduce((sum, count) => sum + count, 0)).toBeGreaterThan(50)
  expect(cuts).toBeGreaterThan(3)
  expect(shaken.retries()).toBeGreaterThan(0)

  for (const follower of followers) {
    await waitFor(() => follower.seen.length >= truth.length, {
      what: `a follower's ${truth.length} changes`,
      deadlineMs: 60_000,
    }).catch(() => {})
    const seen = follower.seen.map(keyOf)
    expect({ seed: SEED, missed: truth.filter((key) => !new Set(seen).has(key)) }).toEqual({
      seed: SEED,
      missed: [],
    })
    expect(seen.length).toBe(truth.length)
    expect([...seen].sort()).toEqual([...truth].sort())
    expect(follower.resets).toEqual([])
    const versions = new Map<string, number>()
    for (const { id, version } of follower.seen) {
      expect(version).toBeGreaterThan(versions.get(id) ?? 0)
      versions.set(id, version)
    }
  }
  // By sequence some of it is never seen: the test would notice.
  const missedBySequence = truth.filter((key) => !new Set(naive).has(key))
  expect(missedBySequence.length).toBeGreaterThan(0)
}, 120_000)

test('stop ends the iteration in the middle of a wait', async () => {
  const app = await startChangeApp()
  const following = followChanges({ url: app.url, token: () => 'ann' })
  const batches: string[] = []
  const ended = (async () => {
    for await (const { cursor } of following) batches.push(cursor)
  })()
  await waitFor(() => batches.length === 1, { what: 'the first cursor' })
  following.stop()
  await ended
})

test('an expired cursor is reported by onReset, and the following goes on from the new one', async () => {
  const app = await startChangeApp()
  const other = await startChangeApp()
  const { cursor } = (await other.ask('')).body
  const follower = startFollower({ url: app.url, cursor })
  await waitFor(() => follower.resets.length === 1, { what: 'the reset' })
  await app.sql(`insert into notes (tenant_id) values ('a')`)
  await waitFor(() => follower.seen.length === 1, { what: 'the change after the reset' })
})

test('a refusal that would come again ends the iteration with its problem', async () => {
  const app = await startChangeApp()
  const first = async (options: FollowOptions) => {
    for await (const batch of followChanges({ url: app.url, ...options })) return batch
    return null
  }
  await expect(first({ token: () => 'nobody' })).rejects.toThrow(FollowRefusedError)
  await expect(first({ token: () => 'ann', cursor: 'garbage' })).rejects.toMatchObject({
    status: 400,
    problem: { code: 'malformed' },
  })
})

test.each(['/api/v1', 'localhost:3000/api/v1', ''])(
  'an address that can never work is refused at once: "%s"',
  (url) => {
    expect(() => followChanges({ url })).toThrow('is no address here')
  },
)

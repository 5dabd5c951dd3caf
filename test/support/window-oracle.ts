// A window over a list of the real server, while rows come, go and move beside it: after each refresh it must hold an unbroken part
// of the list as one statement gives it, every row once, as it is, in the database's order.

import { expect } from 'vitest'
import type { ListStore } from '../../web/client/list/store.ts'
import { createRecordClient } from '../../web/client/record-client.ts'
import type { TestApp } from './app.ts'
import { type Random, randomOf } from './random.ts'

/** A list, and how its rows are written by hand. */
export interface WindowedList {
  type: string
  table: string
  query: { where?: Record<string, string>; sort: string }
  /** The same list by hand: its ids and versions. */
  sql: string
  /** The column that it is sorted by, and values that it takes. */
  column: string
  values: readonly unknown[]
  /** What a new row has beside that. */
  made: Record<string, unknown>
  /** Takes a row out of the list, or into it. */
  toggle: string
  /** Statements on other tables, by which rows come and go without a change of their own. */
  beside?: readonly string[]
}

/** @returns a tab without events, whose lists are refreshed by hand. */
export const openWindow = (app: TestApp, { type, query }: WindowedList, size: number, person = 'alice') => {
  const client = createRecordClient({
    url: `${app.origin}/api/v1`,
    token: () => person,
    transports: [],
  })
  const list = client.liveList(type, { ...query, window: { size } })
  const stop = list.subscribe(() => {})
  return {
    list,
    close() {
      stop()
      client.close()
    },
  }
}

/** One committed statement. */
const commitOne = async (app: TestApp, list: WindowedList, random: Random): Promise<void> => {
  const { table, column, values, made, toggle, beside } = list
  const value = random.pick(values)
  const kind = random.below(10)
  const one = `(select id from ${table} order by md5(id::text || '${random.below(1_000_000)}') limit 1)`
  if (kind < 3) {
    const names = [column, ...Object.keys(made)]
    await app.sql(`insert into ${table} (${names.join()}) values (${names.map(() => '?').join()})`, [
      value,
      ...Object.values(made),
    ] as unknown[])
  } else if (kind < 6) await app.sql(`update ${table} set ${column} = ? where id = ${one}`, [value])
  else if (kind === 6 && beside) await app.sql(random.pick(beside))
  else if (kind < 7) await app.sql(`update ${table} set ${toggle} where id = ${one}`)
  else if (kind < 9) await app.sql(`delete from ${table} where id = ${one}`)
  else
    await app.sql(
      `update ${table} set ${column} = ? where id in (select id from ${table} order by id limit 3)`,
      [value],
    )
}

/** Moves the window as a user would. */
const moveAbout = (list: ListStore, random: Random): Promise<void> | void => {
  const { rows } = list.get()
  const kind = random.below(8)
  if (kind === 0) return list.toStart()
  if (kind === 1) return list.toEnd()
  const first = kind < 4 ? 0 : kind < 7 ? Math.max(0, rows.length - 5) : random.below(rows.length || 1)
  list.showing(first, Math.min(rows.length - 1, first + 5))
}

/** What is wrong with a window; `null`: nothing. */
const wrongWith = async (app: TestApp, { sql }: WindowedList, list: ListStore): Promise<string | null> => {
  const all: { id: string; version: number }[] = await app.sql(sql)
  const { rows, window, status, trouble } = list.get()
  if (status !== 'ready' || trouble || !window) return `${status} ${trouble}`
  const shown = rows.map(({ id, version }) => `${id}:${version}`)
  const listed = all.map(({ id, version }) => `${id}:${version}`)
  const begin = window.isStart ? 0 : listed.indexOf(shown[0] ?? '')
  const part = window.isEnd ? listed.slice(begin) : listed.slice(begin, begin + shown.length)
  if (JSON.stringify(part) === JSON.stringify(shown)) return null
  return JSON.stringify({ window, part, shown })
}

/** Commits so often beside an open window, and holds it against SQL after each refresh. */
export const holdWindow = async (
  app: TestApp,
  list: WindowedList,
  { commits, seed }: { commits: number; seed: number },
): Promise<void> => {
  const random = randomOf(seed)
  for (let n = 0; n < 90; n += 1) await commitOne(app, list, random)
  const { list: window, close } = openWindow(app, list, 10)
  let done = 0
  let shown = 0
  while (done < commits) {
    const work: Promise<void>[] = []
    for (let n = random.below(4); n >= 0; n -= 1) {
      done += 1
      work.push(commitOne(app, list, random))
      const moved = moveAbout(window, random)
      if (moved) work.push(moved)
      if (random.below(3) === 0) await work.at(-1)
    }
    await Promise.all(work)
    await window.reload()
    expect(await wrongWith(app, list, window), `seed ${seed}, ${done} commits`).toBeNull()
    const { length } = window.get().rows
    expect(length).toBeLessThanOrEqual(40)
    shown += length
  }
  expect(shown).toBeGreaterThan(0)
  close()
}

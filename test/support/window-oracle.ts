// A window over a list of the real server, while rows come, go and move beside it: after each refresh it must hold an unbroken part
// of the list as one statement gives it, every row once, as it is, in the database's order.

import type { ListStore } from '../../web/client/list/store.ts'
import { createRecordClient } from '../../web/client/record-client.ts'
import type { TestApp } from './app.ts'
import type { Random } from './random.ts'

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
export const commitOne = async (app: TestApp, list: WindowedList, random: Random): Promise<void> => {
  const { table, column, values, made, toggle } = list
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
  else if (kind < 7) await app.sql(`update ${table} set ${toggle} where id = ${one}`)
  else if (kind < 9) await app.sql(`delete from ${table} where id = ${one}`)
  else
    await app.sql(
      `update ${table} set ${column} = ? where id in (select id from ${table} order by id limit 3)`,
      [value],
    )
}

/** Moves the window as a user would. */
export const moveAbout = (list: ListStore, random: Random): Promise<void> | void => {
  const { rows } = list.get()
  const kind = random.below(8)
  if (kind === 0) return list.toStart()
  if (kind === 1) return list.toEnd()
  const first = kind < 4 ? 0 : kind < 7 ? Math.max(0, rows.length - 5) : random.below(rows.length || 1)
  list.showing(first, Math.min(rows.length - 1, first + 5))
}

/** What is wrong with a window; `null`: nothing. */
export const wrongWith = async (
  app: TestApp,
  { sql }: WindowedList,
  list: ListStore,
): Promise<string | null> => {
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

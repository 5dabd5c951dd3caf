// The ground that the other tests stand on: a database each, a Redis, and waiting with a deadline.
import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { freshDatabase, postgresUrl } from '../support/postgres.ts'
import { isWithout } from '../support/programs.ts'
import { startRedis } from '../support/redis.ts'
import { waitFor } from '../support/wait-for.ts'

const names = async (url: string, sql: string) => {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const { rows } = await client.query<{ name: string }>(sql)
  await client.end()
  return rows.map(({ name }) => name)
}
const TABLES = `select tablename as name from pg_tables where schemaname not in ('pg_catalog', 'information_schema')`
const databases = () => names(postgresUrl(), 'select datname as name from pg_database')

describe('freshDatabase', () => {
  test('each is another, with the change log in it, and is gone once dropped', async () => {
    const [one, two] = await Promise.all([freshDatabase(), freshDatabase()])
    expect(one.name).not.toBe(two.name)
    expect(await names(one.url, TABLES)).toContain('record_changes')
    await one.drop()
    expect(await databases()).not.toContain(one.name)
    expect(await databases()).toContain(two.name)
  })

  test('is empty where the change log is not wanted', async () => {
    const { url } = await freshDatabase({ migrated: false })
    expect(await names(url, TABLES)).toEqual([])
  })
})

describe.skipIf(isWithout('redis'))('startRedis', () => {
  test('answers, stops, and comes back on the same port', async () => {
    const first = await startRedis()
    await first.stop()
    const again = await startRedis({ port: first.port })
    expect(again.url).toBe(first.url)
  })
})

describe('waitFor', () => {
  test('gives back the first truthy answer', async () => {
    let asked = 0
    expect(await waitFor(() => ++asked === 3 && 'third', { what: 'the third' })).toBe('third')
  })

  test('names what it waited for, and keeps the last error', async () => {
    const refuse = () => Promise.reject(new Error('closed'))
    const waited = waitFor(refuse, { what: 'the door', deadlineMs: 20 })
    await expect(waited).rejects.toThrow(
      expect.objectContaining({ message: 'Waited 20 ms for the door', cause: new Error('closed') }),
    )
  })
})

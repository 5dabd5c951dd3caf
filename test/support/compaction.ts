// Batches of the log, kept where they are or waited for until they are gone.
import pg from 'pg'
import type { TestApp } from './app.ts'
import { atEnd } from './at-end.ts'
import { waitFor } from './wait-for.ts'

/** Resolves when no batch is left. */
export const compacted = (app: Pick<TestApp, 'sql'>) =>
  waitFor(async () => (await app.sql('select from noclobber.change_batches limit 1')).length === 0, {
    what: 'the batches of changes to be put into the log',
  })

/** No node takes a batch apart until the function that it resolves to is called. */
export const holdBatches = async ({ database }: Pick<TestApp, 'database'>) => {
  const client = new pg.Client({ connectionString: database.url })
  await client.connect()
  let ending: Promise<void> | null = null
  const release = () => {
    ending ??= client
      .query('commit')
      .then(() => client.query('select noclobber.compact(1000000)'))
      .then(() => client.end())
    return ending
  }
  atEnd(release)
  await client.query('begin; lock table noclobber.log_epoch in share update exclusive mode')
  return release
}

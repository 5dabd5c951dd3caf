// Bundles of the log, kept where they are or waited for until they are gone.
import pg from 'pg'
import type { TestApp } from './app.ts'
import { atEnd } from './at-end.ts'
import { waitFor } from './wait-for.ts'

/** Resolves when no bundle is left. */
export const unbundled = (app: Pick<TestApp, 'sql'>) =>
  waitFor(async () => (await app.sql('select from noclobber.change_bundles limit 1')).length === 0, {
    what: 'the bundles of changes to be put into the log',
  })

/** No node takes a bundle apart until the function that it resolves to is called. */
export const holdBundles = async ({ database }: Pick<TestApp, 'database'>) => {
  const client = new pg.Client({ connectionString: database.url })
  await client.connect()
  let ending: Promise<void> | null = null
  const release = () => {
    ending ??= client
      .query('commit')
      .then(() => client.query('select noclobber.unbundle(1000000)'))
      .then(() => client.end())
    return ending
  }
  atEnd(release)
  await client.query('begin; lock table noclobber.log_epoch in share update exclusive mode')
  return release
}

// A node of its own, whose reading PostgreSQL has counted when it is over: a connection says what it read when it ends, or much later.
import { type AppOptions, startApp, type TestApp } from './app.ts'
import { waitFor } from './wait-for.ts'

const connections = async (app: TestApp) =>
  (await app.sql(
    `select pid from pg_stat_activity where datname = current_database() and backend_type = 'client backend'`,
  )) as { pid: number }[]

/** Runs on another node of the app's database, until the last of its connections has ended. */
export const onNode = async (
  app: TestApp,
  options: Pick<AppOptions, 'types' | 'limits'>,
  work: (node: TestApp) => Promise<void>,
): Promise<void> => {
  const others = new Set((await connections(app)).map(({ pid }) => pid))
  const node = await startApp({ database: app.database, ...options })
  await work(node)
  await node.stop()
  await waitFor(async () => (await connections(app)).every(({ pid }) => others.has(pid)), {
    what: 'the connections of the node to end',
  })
}

// A Node process that starts an embedded PostgreSQL, says so in one line of JSON, and stops it when its input ends.
import { startEmbeddedPostgres } from '../../server/embedded-postgres/index.ts'

const begun = performance.now()
try {
  const { stop, ...started } = await startEmbeddedPostgres(JSON.parse(process.argv[2] ?? '{}'))
  console.log(JSON.stringify({ ...started, ms: performance.now() - begun }))
  process.stdin.on('end', stop).resume()
} catch (error) {
  console.log(JSON.stringify({ error: (error as Error).message }))
}

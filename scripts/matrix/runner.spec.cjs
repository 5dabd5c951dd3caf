// One test for Jest and mocha, CommonJS by require: a server and a client in one process; a save, and a refusal.
const assert = require('node:assert')
const { createServer } = require('node:http')
const pg = require('pg')
const { z } = require('zod')
const { createRecordClient } = require('noclobber/client')
const { migrate, trackTable } = require('noclobber/migrations')
const { createRecordServer, defineRecordType } = require('noclobber/server')

describe('noclobber', () => {
  it('saves, and refuses what is stale', async () => {
    const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL })
    await migrate(pool)
    await pool.query(
      "create table posts (id serial primary key, title text); insert into posts (title) values ('Bridge')",
    )
    await trackTable(pool, 'posts')
    const post = defineRecordType('post', { table: 'posts', fields: { title: z.string().nullable() } })
    const authenticate = () => ({ id: 'ann', name: 'Ann', tenantId: 'app' })
    const records = createRecordServer({ pool, types: [post], authenticate, log: null })
    const server = createServer(records.handler)
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${server.address().port}/api/v1`
    const client = createRecordClient({ url })
    try {
      const save = (title) => client.save('post', '1', { clientVersion: 1, changes: { title } })
      assert.equal((await save('Tunnel')).outcome, 'saved')
      const refused = await save('Dam')
      assert.deepEqual([refused.outcome, refused.problem.current.fields.title], ['conflict', 'Tunnel'])
    } finally {
      client.close()
      await records.stop()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await pool.end()
    }
  })
})

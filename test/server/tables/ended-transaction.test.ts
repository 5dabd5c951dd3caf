// A transaction of the caller's that has ended knows a connection that is somebody else's by now: nothing is written on it.
import { Readable } from 'node:stream'
import type { Knex } from 'knex'
import { expect, test } from 'vitest'
import { startApp } from '../../support/app.ts'

const app = await startApp()
const actor = app.people.get('alice') as never

for (const end of ['commit', 'rollback'] as const) {
  test(`no operation goes on in a transaction after its ${end}`, async () => {
    const { id } = await app.make('project', { name: 'Bridge' })
    const transaction = await app.knex.transaction()
    const options = { actor, transaction }
    const saved = await app.records.save('project', id, {
      ...options,
      clientVersion: 1,
      changes: { name: 'Inside' },
    })
    expect(saved.outcome).toBe('saved')
    await transaction[end]()
    const clientVersion = end === 'commit' ? 2 : 1
    const changes = { name: 'Too late' }
    const input = Readable.from([Buffer.from('{"name":"Too late"}\n')])
    for (const late of [
      () => app.records.save('project', id, { ...options, clientVersion, changes }),
      () =>
        app.records.save('project', id, { ...options, clientVersion, changes, mutationId: `late-${end}` }),
      () => app.records.create('project', { ...options, fields: changes }),
      () => app.records.remove('project', id, { ...options, clientVersion }),
      () => app.records.saveMany('project', { ...options, changes, records: [{ id, clientVersion }] }),
      () => app.records.import('project', { ...options, input, format: 'ndjson' }),
    ])
      await expect(late()).rejects.toThrow('leave `transaction` out')
    expect(await app.sql('select name, version::int from projects where id = ?', [id])).toEqual([
      end === 'commit' ? { name: 'Inside', version: 2 } : { name: 'Bridge', version: 1 },
    ])
    expect(await app.sql(`select from projects where name = 'Too late'`)).toEqual([])
  })
}

test('what is begun in a transaction of which another part has ended goes on', async () => {
  const { id } = await app.make('project', { name: 'Bridge' })
  await app.knex.transaction(async (transaction: Knex.Transaction) => {
    const savepoint = await transaction.transaction()
    await savepoint.rollback()
    const options = { actor, clientVersion: 1, changes: { name: 'Outside' } }
    await expect(app.records.save('project', id, { ...options, transaction: savepoint })).rejects.toThrow(
      'has ended',
    )
    expect((await app.records.save('project', id, { ...options, transaction })).outcome).toBe('saved')
  })
})

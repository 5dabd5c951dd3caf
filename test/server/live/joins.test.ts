// Joins authorized by the row: by what this node has seen of it only while that is the version that is there, and read whole
// no oftener than that. And messages of one socket that overlap.
import { trackTable } from 'noclobber/migrations'
import { defineRecordType } from 'noclobber/server'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { createRecordCache } from '../../../server/tables/record-cache.ts'
import { type Person, startApp, TYPES } from '../../support/app.ts'

/** One connection: it can be kept from the app, and its counts are all there are. */
const app = await startApp({
  pool: { min: 1, max: 1 },
  limits: { recheckMs: 600_000 },
  types: [
    ...TYPES,
    defineRecordType<Person>('desk', {
      table: 'desks',
      fields: { holder: z.string() },
      can: ({ id }, _action, { fields }) => fields.holder === id,
    }),
  ],
  prepare: async (knex) => {
    await knex.raw('create table desks (id text primary key, tenant_id text not null, holder text not null)')
    await trackTable(knex, 'desks', { tenant: 'tenant_id', ignore: ['holder'] })
    // Kept outside its row as it is: only who reads the row whole looks there.
    await knex.raw('alter table notes alter column body set storage external')
  },
})
const { make, sql } = app

const refused = (type: string, id: string) => ({ type, id, ok: false, code: 'not_found' })

/** Looks at bodies of notes, ever. */
const bodiesRead = async () => {
  await sql('select pg_stat_force_next_flush()')
  await sql('select pg_stat_clear_snapshot()')
  const [{ count }] = await sql(`select (toast_blks_hit + toast_blks_read)::int as count
    from pg_statio_user_tables where relname = 'notes'`)
  return count as number
}

describe('a join authorized by the row', () => {
  test('reads a row once a version, however many join', async () => {
    const body = 'long '.repeat(2_000)
    const notes = [
      await make('note', { owner: 'everybody', body }),
      await make('note', { owner: 'bob', body }, 'bob'),
    ]
    const ids = notes.map(({ id }): [string, string] => ['note', id])
    const watcher = await app.socket({ as: 'bob' })
    const join = async () => {
      const before = await bodiesRead()
      const { records } = await watcher.watch(...ids)
      await watcher.ask('unwatch', { records: ids.map(([type, id]) => ({ type, id })) })
      return {
        versions: records.map(({ version }: { version: number }) => version),
        read: (await bodiesRead()) - before,
      }
    }
    await join()
    for (let time = 0; time < 3; time += 1) expect(await join()).toEqual({ versions: [1, 1], read: 0 })
    await sql(`update notes set body = body || '.' where id = ?`, [notes[0].id])
    const changed = await join()
    expect(changed.versions).toEqual([2, 1])
    expect(changed.read).toBeGreaterThan(0)
    expect(await join()).toEqual({ versions: [2, 1], read: 0 })
  })

  test('follows a field at once, both ways, and refuses as if nothing were there', async () => {
    const { id } = await make('note', { owner: 'alice' })
    const missing = crypto.randomUUID()
    const [alice, bob] = [await app.socket({ as: 'alice' }), await app.socket({ as: 'bob' })]
    for (let version = 1; version <= 6; version += 1) {
      const [owner, other] = version % 2 === 1 ? [alice, bob] : [bob, alice]
      const asked: [string, string][] = [
        ['note', id],
        ['note', missing],
      ]
      expect((await owner.watch(...asked)).records).toMatchObject([
        { ok: true, version },
        refused('note', missing),
      ])
      expect((await other.watch(...asked)).records).toEqual([refused('note', id), refused('note', missing)])
      for (const { ask } of [alice, bob]) await ask('unwatch', { records: [{ type: 'note', id }] })
      // Sent to nobody: an event would bring the node the new row by another way.
      await app.knex.transaction(async (transaction) => {
        await transaction.raw('set local session_replication_role = replica')
        const next = version % 2 === 1 ? 'bob' : 'alice'
        await transaction('notes')
          .where({ id })
          .update({ owner: next, version: version + 1 })
      })
    }
    await sql('delete from notes where id = ?', [id])
    expect((await alice.watch(['note', id])).records).toMatchObject([{ ok: true, version: 8, deleted: true }])
    expect((await bob.watch(['note', id])).records).toEqual([refused('note', id)])
  })

  test('of another tenant is refused, though the record has just been seen', async () => {
    const { id } = await make('note', { owner: 'everybody' })
    const [alice, gina] = [await app.socket(), await app.socket({ as: 'gina' })]
    expect((await alice.watch(['note', id])).records).toMatchObject([{ ok: true }])
    expect((await gina.watch(['note', id])).records).toEqual([refused('note', id)])
  })

  test('is refused after a revocation, though nothing made a version', async () => {
    await sql(`insert into desks values ('d1', 'acme', 'alice')`)
    const alice = await app.socket()
    expect((await alice.watch(['desk', 'd1'])).records).toMatchObject([{ ok: true, version: 1 }])
    await sql(`update desks set holder = 'bob' where id = 'd1'`)
    await app.records.revoke({ tenantId: 'acme', type: 'desk', id: 'd1' })
    await alice.receives('AccessRevoked')
    expect((await alice.watch(['desk', 'd1'])).records).toEqual([refused('desk', 'd1')])
  })
})

describe.each(['project', 'note'])('messages of one socket about one %s at the same time', (type) => {
  const fields = type === 'note' ? { owner: 'everybody' } : { name: 'x' }

  /** Sends them all while none can be answered from the database. */
  const overlapping = async (names: ('watch' | 'unwatch')[]) => {
    const { id } = await make(type, fields)
    const watcher = await app.socket()
    const kept = await app.knex.transaction()
    const asked = names.map((name) => watcher.ask(name, { records: [{ type, id }] }))
    await watcher.ask('unwatch', { records: [] })
    await kept.rollback()
    const answers = await Promise.all(asked)
    await sql(
      type === 'note'
        ? `update notes set body = 'y' where id = ?`
        : `update projects set name = 'y' where id = ?`,
      [id],
    )
    const received = (await watcher.flushed()).filter(({ event }) => event.id === id)
    return { id, answers, received: received.map(({ name, event }) => `${name} ${event.version}`) }
  }

  test('are each answered, and a last watch is in', async () => {
    const twice = await overlapping(['watch', 'watch'])
    for (const { records } of twice.answers) expect(records).toMatchObject([{ ok: true, version: 1 }])
    expect(twice.received).toEqual(['RecordUpdated 2'])

    const again = await overlapping(['watch', 'unwatch', 'watch'])
    expect(again.answers[0].records).toHaveLength(1)
    expect(again.answers[1]).toEqual({ records: [], lists: [] })
    expect(again.answers[2].records).toMatchObject([{ ok: true, version: 1 }])
    expect(again.received).toEqual(['RecordUpdated 2'])
  })

  test('are each answered, and a last unwatch is out', async () => {
    const { id, answers, received } = await overlapping(['watch', 'watch', 'unwatch'])
    for (const { records } of answers.slice(0, 2)) expect(records).toEqual([refused(type, id)])
    expect(answers[2]).toEqual({ records: [], lists: [] })
    expect(received).toEqual([])
  })
})

describe('what a node has seen', () => {
  const record = (id: string, text: string, version = 1) => ({
    ...{ type: 'note', id, version, updated_at: '', updated_by: null },
    fields: { text },
  })

  test('is so many records and so much text, the oldest gone first, and counts for so long', () => {
    let now = 0
    const seen = createRecordCache({ size: 3, maxTotalText: 20, maxText: 15, keepMs: 10, now: () => now })
    const kept = () => ['a', 'b', 'c', 'd'].filter((id) => seen.get('acme', 'note', id))
    for (const id of ['a', 'b', 'c', 'd']) seen.put('acme', record(id, ''), () => true)
    expect(kept()).toEqual(['b', 'c', 'd'])
    seen.put('acme', record('b', 'x'.repeat(12), 2), () => true)
    seen.put('acme', record('c', 'x'.repeat(12), 2), () => true)
    expect(kept()).toEqual(['c'])
    seen.put('acme', record('c', 'x'.repeat(16), 3), () => true)
    seen.put('acme', record('b', 'x'.repeat(15)), () => true)
    expect(kept()).toEqual(['b'])
    const of = seen.of('acme', 'note')
    expect([of('b', 1)?.id, of('b', 2), seen.get('globex', 'note', 'b')]).toEqual(['b', undefined, undefined])
    now = 11
    expect(of('b')).toBeUndefined()
    expect([1, 2].map((version) => seen.seen('acme', 'note', 'b', version)?.id)).toEqual(['b', undefined])
  })

  test('is forgotten at once, with what was read before and comes after', () => {
    const seen = createRecordCache()
    const isBefore = seen.mark()
    seen.put('acme', record('a', ''), isBefore)
    expect(seen.get('acme', 'note', 'a')?.id).toBe('a')
    seen.clear()
    seen.put('acme', record('b', ''), isBefore)
    expect(['a', 'b'].map((id) => seen.get('acme', 'note', id))).toEqual([undefined, undefined])
    seen.put('acme', record('b', ''), seen.mark())
    expect(seen.get('acme', 'note', 'b')?.id).toBe('b')
  })
})

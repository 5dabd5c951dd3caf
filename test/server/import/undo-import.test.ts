// An import undone as a whole: what it created goes, what it changed is as before, value by value, and nobody's later work is touched.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { WireRecord } from '../../../server/protocol/index.ts'
import { startContracts } from '../../support/contracts.ts'

const app = await startContracts()
const { pathOf, save } = app

const importRows = async (type: string, rows: object[], as = 'alice', key = 'serial') => {
  const text = rows.map((row) => JSON.stringify(row)).join('\n')
  const response = await fetch(`${app.origin}/api/v1/records/${type}/import?key=${key}`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson', authorization: `Bearer ${as}` },
    body: text,
  })
  const body = await response.json()
  if (response.status !== 200) throw new Error(JSON.stringify(body))
  return body.data.import_id as string
}
const undoPart = (importId: string, body: object = {}, as = 'alice', type = 'contract') =>
  app.call('POST', `/records/${type}/import/${importId}/undo`, { as, body })
/** All parts of it. */
const undo = async (importId: string, as = 'alice', limit = 3, type = 'contract') => {
  const rows: { id: string; outcome: string; version?: number }[] = []
  for (let after: string | null | undefined; after !== null; ) {
    const { status, body } = await undoPart(importId, { limit, ...(after && { after }) }, as, type)
    expect(status).toBe(200)
    rows.push(...body.data)
    after = body.next
  }
  return rows
}
const read = async (record: WireRecord): Promise<WireRecord | undefined> =>
  (await app.call('GET', pathOf(record))).body.data
const madeBy = async (importId: string): Promise<string[]> =>
  (
    await app.sql(`select distinct record_id from noclobber.changes where import_id = ? order by 1`, [
      importId,
    ])
  ).map(({ record_id }) => String(record_id))

const outcomesOf = (rows: { outcome: string }[]) => rows.map(({ outcome }) => outcome).sort()

let serials = 1000
const nextSerial = () => {
  serials += 1
  return String(serials)
}

const some = (count: number) =>
  Promise.all(
    Array.from(
      { length: count },
      (_, at): Promise<WireRecord> =>
        app.make('contract', {
          name: `c${at}`,
          serial: nextSerial(),
          amount: `1234567890123456789.${at}`,
          tags: [`t${at}`],
          terms: { at },
        }),
    ),
  )

test('what an import created goes, what it changed is as it was, in parts, and once', async () => {
  const old = await some(4)
  await app.sql(`update contracts set terms = '{"n": 12345678901234567890}' where id = ?`, [old[0]?.id])
  const before = await Promise.all(old.map(read))
  const importId = await importRows('contract', [
    ...old.map(({ fields: { serial } }) => ({ serial, name: 'imported', terms: null, tags: ['x'] })),
    ...['new 1', 'new 2', 'new 3'].map((name) => ({ serial: nextSerial(), name })),
  ])
  const created = (await madeBy(importId)).filter((id) => old.every((record) => record.id !== id))
  const first = await undoPart(importId, { limit: 2 })
  expect(first.body).toMatchObject({ total: 7, data: [{ outcome: 'removed' }, { outcome: 'removed' }] })
  const rows = await undo(importId)
  expect(rows.map(({ outcome }) => outcome)).toEqual([
    ...Array(3).fill('removed'),
    ...Array(4).fill('restored'),
  ])
  expect(rows.slice(0, 2)).toEqual(first.body.data)
  const after = await Promise.all(old.map(read))
  expect(after.map((record) => record?.fields)).toEqual(before.map((record) => record?.fields))
  const [{ terms }] = await app.sql('select terms::text from contracts where id = ?', [old[0]?.id])
  expect(terms).toBe('{"n": 12345678901234567890}')
  expect((await app.sql(`select id from contracts where id = any(?::int[])`, [created])).length).toBe(0)
  const { body: history } = await app.call('GET', `${pathOf(old[0] as WireRecord)}/history`)
  expect(history.data[0]).toMatchObject({
    restored_from: history.data[0].version - 2,
    updated_by: { id: 'alice' },
  })
  expect(await undo(importId)).toEqual(rows)
  expect(await Promise.all(old.map(read))).toEqual(after)
})

test('what somebody has changed, deleted or may not have is left alone, row by row', async () => {
  const old = await some(4)
  const importId = await importRows('contract', [
    ...old.map(({ fields: { serial } }) => ({ serial, name: 'imported' })),
    ...['made and edited', 'made'].map((name) => ({ serial: nextSerial(), name })),
  ])
  const [made] = await app.sql(`select id from contracts where name = 'made and edited'`)
  const now = (await Promise.all(old.map(read))) as WireRecord[]
  const edited = await save(now[0] as WireRecord, { name: 'edited since' }, 'bob')
  await save({ ...edited, id: String(made?.id), version: 1 }, { name: 'edited since' }, 'bob')
  await app.call('DELETE', pathOf(old[1] as WireRecord), { body: { client_version: 2 } })
  expect(outcomesOf(await undo(importId, 'vera'))).toEqual([
    ...['deleted', 'forbidden', 'forbidden', 'forbidden', 'stale_record', 'stale_record'],
  ])
  expect(outcomesOf(await undo(importId))).toEqual([
    ...['deleted', 'removed', 'restored', 'restored', 'stale_record', 'stale_record'],
  ])
  expect((await read(old[0] as WireRecord))?.fields.name).toBe('edited since')
  expect((await undoPart(importId, {}, 'gina')).status).toBe(404)
  expect((await undoPart('nothing')).status).toBe(404)
  expect((await undoPart(importId, {}, 'alice', 'letter')).status).toBe(404)
  for (const body of [{ after: 7 }, { limit: 0 }, { limit: 501 }, { limit: '3' }])
    expect((await undoPart(importId, body)).body.code).toBe('malformed')
})

test('others’ rows are left out, and what was before is shown to nobody who could not read it then', async () => {
  const letters: WireRecord[] = []
  for (const owner of ['alice', 'everybody'])
    letters.push(await app.make('letter', { owner, body: 'was' }, 'alice'))
  const importId = await importRows(
    'letter',
    letters.map(({ id }) => ({ id, owner: 'everybody', body: 'is' })),
    'alice',
    'id',
  )
  await app.sql(`update letters set owner = 'alice' where id = ?`, [letters[1]?.id])
  expect(await undo(importId, 'bob', 3, 'letter')).toEqual([{ id: letters[0]?.id, outcome: 'forbidden' }])
  expect((await undo(importId, 'alice', 3, 'letter')).map(({ outcome }) => outcome)).toEqual([
    'stale_record',
    'restored',
  ])
  expect((await read(letters[0] as WireRecord))?.fields).toEqual({ owner: 'alice', body: 'was' })
})

test('two who undo at once, and one who edits meanwhile: each row once, nobody’s edit lost', {
  tags: 'fault:import-undone',
}, async () => {
  const old = await some(30)
  const importId = await importRows('contract', [
    ...old.map(({ fields: { serial } }) => ({ serial, name: 'imported' })),
    ...old.map((_, at) => ({ serial: nextSerial(), name: `made ${importNumber(at)}` })),
  ])
  const edits = old.map(async (record, at) => {
    if (at % 3 > 0) return null
    const body = { client_version: 2, changes: { name: `edited ${at}` } }
    return (await app.call('PATCH', pathOf(record), { as: 'bob', body })).status === 200 ? at : null
  })
  const [one, two, ...edited] = await Promise.all([
    undo(importId, 'alice', 7),
    undo(importId, 'bob', 11),
    ...edits,
  ])
  const kept = new Set(edited.filter((at) => at !== null))
  for (const [at, record] of old.entries()) {
    const now = (await read(record)) as WireRecord
    const wanted = kept.has(at) ? `edited ${at}` : `c${at}`
    expect(now.fields.name).toBe(wanted)
    expect(now.version).toBe(3)
    for (const rows of [one, two])
      expect(rows.find(({ id }) => id === record.id)?.outcome).toBe(
        kept.has(at) ? 'stale_record' : 'restored',
      )
  }
  expect(await app.sql(`select id from contracts where name like 'made %'`)).toEqual([])
})

test('an undoing is undone: what it deleted comes back with its values, what it restored is as imported; and so on, each row once', async () => {
  const old = await some(3)
  const importId = await importRows('contract', [
    ...old.map(({ fields: { serial } }) => ({ serial, name: 'imported', tags: ['x'] })),
    ...['new 1', 'new 2', 'new 3'].map((name) => ({ serial: nextSerial(), name, terms: { name } })),
  ])
  const all = await madeBy(importId)
  const state = async () =>
    (
      await app.sql(
        `select to_jsonb(c) - '{version,updated_at,updated_by}'::text[] as row from contracts c where id::text = any(?) order by id`,
        [all],
      )
    ).map(({ row }) => row)
  const imported = await state()
  await undo(importId)
  const undone = await state()
  expect([imported.length, undone.length]).toEqual([6, 3])
  expect(await undo(`undo:${importId}`, 'vera')).toEqual(
    expect.arrayContaining([expect.objectContaining({ outcome: 'forbidden' })]),
  )
  expect(await state()).toEqual(undone)
  const first = await undoPart(`undo:${importId}`, { limit: 2 })
  expect(first.body).toMatchObject({ total: null, data: [{ outcome: 'restored' }, { outcome: 'restored' }] })
  const rows = await undo(`undo:${importId}`)
  expect(rows.map(({ outcome }) => outcome)).toEqual(Array(6).fill('restored'))
  expect(rows.slice(0, 2)).toEqual(first.body.data)
  expect(await state()).toEqual(imported)
  expect(await undo(`undo:${importId}`)).toEqual(rows)
  // The third time it is as after the first.
  expect(outcomesOf(await undo(`undo:undo:${importId}`))).toEqual([
    ...Array(3).fill('removed'),
    ...Array(3).fill('restored'),
  ])
  expect(await state()).toEqual(undone)
  for (const unknown of ['undo:nothing', `undo:undo:undo:undo:${importId}`, `undo:${'undo:'.repeat(50)}x`])
    expect([unknown, (await undoPart(unknown)).body.data ?? 'missing']).toEqual([
      unknown,
      unknown.includes(importId) ? [] : 'missing',
    ])
  expect((await undoPart(`undo:${importId}`, {}, 'gina')).status).toBe(404)
})

test('of an undoing that is undone, what somebody has changed or brought back since stays theirs', async () => {
  const old = await some(2)
  const importId = await importRows('contract', [
    ...old.map(({ fields: { serial } }) => ({ serial, name: 'imported' })),
    ...['gone 1', 'gone 2', 'gone 3'].map((name) => ({ serial: nextSerial(), name })),
  ])
  const created = (await madeBy(importId)).filter((id) => old.every((record) => record.id !== id))
  await undo(importId)
  const now = (await read(old[0] as WireRecord)) as WireRecord
  await save(now, { name: 'Bob’s' }, 'bob')
  const back = await app.call('POST', `/records/contract/${created[0]}/restore`, {
    as: 'bob',
    body: { client_version: 2 },
  })
  expect(back.status).toBe(200)
  await app.sql(`update contracts set serial = serial where id = ?`, [created[0]])
  // Somebody takes a key that a row had: the table keeps no two of them.
  await app.sql(`insert into contracts (id, tenant_id, name) values (?, 'globex', 'of another tenant')`, [
    created[1],
  ])
  const outcomes = new Map((await undo(`undo:${importId}`)).map(({ id, outcome }) => [id, outcome]))
  expect(outcomes.get(old[0]?.id as string)).toBe('stale_record')
  expect(outcomes.get(old[1]?.id as string)).toBe('restored')
  expect(outcomes.get(created[0] as string)).toBe('stale_record')
  expect(outcomes.get(created[2] as string)).toBe('restored')
  const [{ tenant_id }] = await app.sql('select tenant_id from contracts where id = ?', [created[1]])
  expect([tenant_id, outcomes.get(created[1] as string)]).toEqual([
    'globex',
    expect.not.stringMatching('restored'),
  ])
  expect((await read(old[0] as WireRecord))?.fields.name).toBe('Bob’s')
})

const importNumber = (at: number) => `${at} of them`

test('whatever was imported over whatever there was, undone it is as it was', async () => {
  const value = fc.record(
    {
      name: fc
        .string({ minLength: 1, maxLength: 5 })
        .filter((text) => text.trim() !== '' && !text.includes('\0')),
      amount: fc.option(fc.integer().map(String), { nil: null }),
      tags: fc.option(fc.array(fc.constantFrom('a', '', ',', '"'), { maxLength: 3 }), { nil: null }),
      terms: fc.option(
        fc
          .jsonValue({ maxDepth: 2 })
          .filter((json) => json !== null && !JSON.stringify(json).includes('\\u0000')),
        { nil: null },
      ),
    },
    { requiredKeys: ['name'] },
  )
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(value, value), { minLength: 1, maxLength: 4 }), async (pairs) => {
      const old: WireRecord[] = []
      for (const [was] of pairs) old.push(await app.make('contract', was))
      const importId = await importRows(
        'contract',
        pairs.map(([, is], at) => ({ id: old[at]?.id, ...is })),
        'alice',
        'id',
      )
      await undo(importId)
      expect((await Promise.all(old.map(read))).map((record) => record?.fields)).toEqual(
        old.map(({ fields }) => fields),
      )
    }),
    { numRuns: 15 },
  )
})

test('undoing reveals nothing of rows that the asker may not read: no id, no count, no deletion', async () => {
  const importId = await importRows(
    'letter',
    Array.from({ length: 9 }, (_, at) => ({ owner: at === 4 ? 'everybody' : 'alice', body: `letter ${at}` })),
    'alice',
    '',
  )
  const made = await app.sql(
    `select id, owner from letters where id in (select record_id::uuid from noclobber.changes where import_id = ?)`,
    [importId],
  )
  const hidden = made.filter(({ owner }) => owner === 'alice').map(({ id }) => String(id))
  expect(hidden).toHaveLength(8)
  await app.sql(`delete from letters where id = ?`, [hidden[0]])
  const answers: { data: { id: string }[]; next: string | null; total: unknown }[] = []
  for (let after: string | null | undefined; after !== null; after = answers.at(-1)?.next)
    answers.push((await undoPart(importId, { limit: 1, ...(after && { after }) }, 'bob', 'letter')).body)
  const shown = answers.flatMap(({ data }) => data.map(({ id }) => id))
  expect(shown).toEqual(made.filter(({ owner }) => owner === 'everybody').map(({ id }) => String(id)))
  // One part has the one row, and perhaps a second finds no further one: as it would be without the others.
  expect(answers.length).toBeLessThanOrEqual(2)
  for (const { total } of answers) expect(total).toBeNull()
  for (const { next } of answers) expect(hidden.filter((id) => next === id)).toEqual([])
  expect((await undoPart(importId, { after: hidden[1] }, 'bob', 'letter')).body.code).toBe('malformed')
  expect((await undo(importId, 'alice', 3, 'letter')).map(({ outcome }) => outcome).sort()).toEqual([
    'deleted',
    ...Array(8).fill('removed'),
  ])
})

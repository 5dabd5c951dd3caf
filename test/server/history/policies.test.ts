// Row level security by current_setting, and what was: a deleted record comes back for those alone whose policies let them, and nobody
// reads a version, a value or an import of a time at which their policies hid the record.
import createKnex, { type Knex } from 'knex'
import { trackTable } from 'noclobber/migrations'
import { defineRecordType } from 'noclobber/server'
import { expect, test } from 'vitest'
import { z } from 'zod'
import type { WireHistoryEntry } from '../../../server/protocol/index.ts'
import { type Person, startApp } from '../../support/app.ts'
import { atEnd } from '../../support/at-end.ts'
import { ordinaryRole } from '../../support/ordinary-role.ts'
import { freshDatabase } from '../../support/postgres.ts'

const database = await freshDatabase()
const owner: Knex = createKnex({ client: 'pg', connection: database.url, pool: { min: 0, max: 2 } })
atEnd(() => owner.destroy())
await owner.raw(`create table cards (id uuid primary key default gen_random_uuid(), tenant_id text not null, title text not null,
  owner text, number integer unique);
create table pages (id integer generated always as identity primary key, card_id uuid not null references cards on delete cascade,
  tenant_id text not null, text text not null default '')`)
await trackTable(owner, 'cards', { tenant: 'tenant_id', history: 'values' })
await trackTable(owner, 'pages', { tenant: 'tenant_id', history: 'values' })
await owner.raw(`alter table cards enable row level security, force row level security;
create policy ours on cards using (tenant_id = current_setting('app.tenant')
  and (owner is null or owner = current_setting('app.person')));
create policy not_never on cards as restrictive for insert with check (title <> 'never');
alter table pages enable row level security, force row level security;
create policy ours on pages using (tenant_id = current_setting('app.tenant'))`)
const { url } = await ordinaryRole((text) => owner.raw(text), database.url)
const app = await startApp({
  database,
  databaseUrl: url,
  session: ({ tenantId, id }) => ({ 'app.tenant': tenantId, 'app.person': id }),
  types: [
    defineRecordType<Person>('card', {
      table: 'cards',
      fields: { title: z.string(), owner: z.string().nullable(), number: z.int().nullable().optional() },
      history: 'values',
    }),
    defineRecordType<Person>('page', {
      table: 'pages',
      fields: { card_id: z.string(), text: z.string() },
      history: 'values',
    }),
  ],
})

const make = (title: string, of: string | null, as = 'alice') => app.make('card', { title, owner: of }, as)
const remove = async ({ id }: { id: string }, version = 1, as = 'alice') =>
  expect(
    (await app.call('DELETE', `/records/card/${id}`, { as, body: { client_version: version } })).status,
  ).toBe(204)
const restore = async ({ id }: { id: string }, version: number, as = 'alice') =>
  app.call('POST', `/records/card/${id}/restore`, { as, body: { client_version: version } })
const save = async ({ id }: { id: string }, version: number, changes: object, as = 'alice') =>
  (await app.call('PATCH', `/records/card/${id}`, { as, body: { client_version: version, changes } })).status
const get = (id: string, query: string, as: string) => app.call('GET', `/records/card/${id}${query}`, { as })

test('a deleted record is listed and brought back by those alone whom its policies would show it', async () => {
  const [secret, shared] = [await make('secret', 'alice'), await make('shared', null)]
  const page = await app.make('page', { card_id: secret.id, text: 'of the secret' })
  for (const card of [secret, shared]) await remove(card)
  const listed = async (as: string) =>
    (await app.call('GET', '/deleted/card', { as })).body.data.map(({ id }: { id: string }) => id)
  expect([await listed('bob'), await listed('gina')]).toEqual([[shared.id], []])
  for (const as of ['bob', 'gina']) {
    expect((await restore(secret, 2, as)).status).toBe(404)
    expect((await get(secret.id, '?version=1', as)).status).toBe(404)
  }
  expect((await restore(shared, 2, 'gina')).status).toBe(404)
  const back = await restore(secret, 2)
  expect([back.status, back.body.data.fields.title]).toEqual([200, 'secret'])
  const pages = await app.call('GET', '/records/page', { as: 'alice' })
  expect(pages.body.data.map(({ id }: { id: string }) => id)).toContain(page.id)
  expect((await restore(shared, 2, 'bob')).status).toBe(200)
})

test('what policies refuse to be written is not brought back', async () => {
  const card = await make('was allowed', null)
  await save(card, 1, { title: 'never' })
  await remove(card, 2)
  expect((await restore(card, 3)).status).toBe(403)
  expect((await get(card.id, '', 'alice')).status).toBe(410)
})

test('a version of a time at which policies hid the record is known to nobody from whom it was hidden', async () => {
  const card = await make('for all', null)
  const times: string[] = []
  const later = async (version: number, changes: object) => {
    expect(await save(card, version, changes)).toBe(200)
    times.push((await get(card.id, '', 'alice')).body.data.updated_at)
  }
  await later(1, { owner: 'alice' })
  await later(2, { title: 'secret title' })
  await later(3, { title: 'open title', owner: null })
  const [, secretAt] = times as [string, string, string]
  for (const query of ['?version=2', '?version=3', `?as_of=${secretAt}`]) {
    expect([query, (await get(card.id, query, 'alice')).status]).toEqual([query, 200])
    const hidden = await get(card.id, query, 'bob')
    expect([query, hidden.status, hidden.body.code]).toEqual([query, 410, 'no_longer_known'])
  }
  expect((await get(card.id, '?version=1', 'bob')).body.data.fields.title).toBe('for all')
  const entries = async (as: string): Promise<WireHistoryEntry[]> =>
    (await get(card.id, '/history', as)).body.data
  expect((await entries('alice')).filter(({ values }) => values).map(({ version }) => version)).toEqual([
    4, 3, 2, 1,
  ])
  const bobs = await entries('bob')
  expect(JSON.stringify(bobs)).not.toContain('secret title')
  expect(bobs.filter(({ values }) => values).map(({ version }) => version)).toEqual([1])
  const feed = await app.call('GET', '/changes?cursor=start&type=card&limit=1000', { as: 'bob' })
  expect(feed.text).not.toContain('secret title')
  const undone = await app.call('POST', `/records/card/${card.id}/restore`, {
    as: 'bob',
    body: { client_version: 4, to_version: 3 },
  })
  expect([undone.status, undone.body.code]).toEqual([410, 'no_longer_known'])
  await remove(card, 4)
  expect((await get(card.id, '?version=3', 'bob')).body.code).toBe('no_longer_known')
  expect((await get(card.id, '?version=3', 'alice')).body.data.fields.title).toBe('secret title')
  expect((await get(card.id, '?version=1', 'bob')).body.data.fields.title).toBe('for all')
})

test('an import is undone within the policies of who asks, and its undoing too', async () => {
  const rows = [
    { number: 1, title: 'imported for all', owner: null },
    { number: 2, title: 'imported secret', owner: 'alice' },
  ]
  const answer = await app.call('POST', '/records/card/import?key=number', {
    text: rows.map((row) => JSON.stringify(row)).join('\n'),
    headers: { 'content-type': 'application/x-ndjson' },
  })
  expect(answer.status, answer.text).toBe(200)
  const { import_id } = answer.body.data
  const undo = async (id: string, as: string) =>
    (await app.call('POST', `/records/card/import/${id}/undo`, { as, body: {} })).body.data?.map(
      ({ outcome }: { outcome: string }) => outcome,
    )
  expect(await undo(import_id, 'gina')).toBeUndefined()
  expect(await undo(import_id, 'bob')).toEqual(['removed'])
  expect(await undo(`undo:${import_id}`, 'gina')).toBeUndefined()
  expect((await undo(import_id, 'alice')).sort()).toEqual(['removed', 'removed'])
  expect(await undo(`undo:${import_id}`, 'bob')).toEqual(['restored'])
  expect((await undo(`undo:${import_id}`, 'alice')).sort()).toEqual(['restored', 'restored'])
})

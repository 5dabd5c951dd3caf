// Gina has a valid session of another tenant, and tries everything: each route, join, list, stream and presence, with
// ids that are there and ids that never were. She receives nothing, and no answer distinguishes one kind from the other.
import { expect, test } from 'vitest'
import { startApp } from '../support/app.ts'
import { seed, times, writeDown } from '../support/figures.ts'
import { randomOf } from '../support/random.ts'
import { byRun } from '../support/short-run.ts'
import { waitFor } from '../support/wait-for.ts'
import { withoutAge } from '../support/without-age.ts'

const ATTEMPTS = times(byRun({ short: 150, full: 400 }), 10_000)

test(`${ATTEMPTS} attempts of another tenant deliver nothing, and missing looks like forbidden`, async () => {
  const app = await startApp({
    limits: { requestsPerPerson: Number.POSITIVE_INFINITY, requestsPerAddress: Number.POSITIVE_INFINITY },
  })
  const random = randomOf(seed)
  // Ids that no other number in an answer looks like.
  await app.sql('alter table projects alter column id restart with 700001')
  const theirs: string[] = []
  for (let count = 0; count < 20; count += 1) {
    theirs.push((await app.make('project', { name: `SECRET ${count}`, notes: 'SECRET' })).id)
  }
  const [deleted] = theirs
  await app.call('DELETE', `/records/project/${deleted}`, { headers: { 'if-match': '"1"' } })
  const gina = await app.socket({ as: 'gina' })
  const stream = new AbortController()
  const events = await fetch(`${app.origin}/api/v1/events?record=project:${theirs[1]}&list=project`, {
    headers: { authorization: 'Bearer gina' },
    signal: stream.signal,
  })
  let streamed = ''
  const reading = events.body?.pipeThrough(new TextDecoderStream()).pipeTo(
    new WritableStream({
      write: (text) => {
        streamed += text
      },
    }),
  )
  reading?.catch(() => {})

  const onHttp = async (id: string) => {
    const version = random.pick([1, 2, 99])
    const body = { client_version: version, changes: { name: 'Mine' } }
    const [method, path, options] = random.pick<[string, string, object]>([
      ['GET', `/records/project/${id}`, {}],
      ['GET', `/records/project/${id}/version`, {}],
      ['GET', `/records/project/${id}/history`, {}],
      ['PATCH', `/records/project/${id}`, { body }],
      ['PATCH', `/records/project/${id}`, { body: { ...body, on_stale: 'merge' } }],
      [
        'PATCH',
        `/records/project/${id}`,
        { body, headers: { 'idempotency-key': `k${random.below(9)}-${id}` } },
      ],
      ['DELETE', `/records/project/${id}`, { headers: { 'if-match': `"${version}"` } }],
      ['POST', '/records/versions', { body: { records: [{ type: 'project', id, version }] } }],
      [
        'PATCH',
        '/records/project',
        { body: { changes: { name: 'M' }, records: [{ id, client_version: version }] } },
      ],
    ])
    return async (at: string) => {
      const swap = (value: string) => value.split(id).join(at)
      const sent = JSON.parse(swap(JSON.stringify(options)))
      const { status, text } = await app.call(method, swap(path), { as: 'gina', ...sent })
      return `${status} ${withoutAge(text.split(at).join('ID'))}`
    }
  }

  const onSocket = async (id: string) => {
    const [name, message] = random.pick<[string, object]>([
      ['watch', { records: [{ type: 'project', id }] }],
      ['watch', { records: [{ type: 'project', id, version: 1 }], lists: [] }],
      ['presence', { type: 'project', id, state: 'editing', field: 'name' }],
      ['take_over', { type: 'project', id, to: 'alice', say: 'ask' }],
      ['unwatch', { records: [{ type: 'project', id }] }],
    ])
    return async (at: string) => {
      const sent = JSON.parse(JSON.stringify(message).split(`"${id}"`).join(`"${at}"`))
      const answer = await waitFor(
        async () => {
          const said = await gina.ask(name, sent)
          return said.code === 'rate_limited' ? null : said
        },
        { what: 'her next message to be let in', deadlineMs: 60_000 },
      )
      return withoutAge(JSON.stringify(answer).split(`"${at}"`).join('"ID"'))
    }
  }

  for (let count = 0; count < ATTEMPTS; count += 1) {
    const id = random.pick(theirs)
    const missing = String(1_000_000 + random.below(1_000))
    const attempt = await (random() < 0.9 ? onHttp(id) : onSocket(id))
    const [there, nowhere] = [await attempt(id), await attempt(missing)]
    expect(there, `seed ${seed}, attempt ${count}`).toBe(nowhere)
    expect(there).not.toContain('SECRET')
    if (count % 20 === 0)
      await app.sql(`update projects set status = case status when 'done' then 'active' else 'done' end`)
  }

  await gina.watch()
  const received = gina.received.filter(({ event }) => event?.type === 'project')
  stream.abort()
  expect({ received, streamed: /SECRET|RecordUpdated|RecordsImported|"acme"/.test(streamed) }).toEqual({
    received: [],
    streamed: false,
  })
  const [{ changed }] = (await app.sql(
    `select count(*)::int as changed from projects where name not like 'SECRET%'`,
  )) as [{ changed: number }]
  expect(changed).toBe(0)
  writeDown('a message to another tenant, or to someone without permission', `0 of ${ATTEMPTS} attempts`)
}, 600_000)

// The protocol's rules as checks of a server, one record type and two people each.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { Answer, FeedEntry, ServerCalls } from './server-calls.ts'
import { problemIn, recordIn, staleIn } from './server-calls.ts'

const NOBODY = '00000000-0000-4000-8000-000000000000'

/** What a save of the record is answered, and what its event is at the end. */
interface Accepted {
  version: number
  text: string
}

/** Each saves from the version that it knows; one who is refused goes on from the current version. */
const saveInTurns = async (
  calls: ServerCalls,
  who: 0 | 1,
  id: string,
  saves: number,
  accepted: Accepted[],
) => {
  let known = 1
  for (let count = 0; count < saves; count++) {
    const text = calls.text()
    const key = randomUUID()
    const send = () => calls.save(who, id, known, text, { mutation_id: key })
    let answer: Answer = await send()
    // Some answers are lost: the same save is sent again.
    if (count % 3 === 0) answer = await send()
    if (answer.status === 200) {
      const { version, fields } = recordIn(answer)
      assert.ok(version > known, `a save from version ${known} was answered version ${version}`)
      assert.equal(fields[calls.options.field], text, 'a save was answered with another value')
      accepted.push({ version, text })
      known = version
    } else known = staleIn(answer).current_version
  }
}

const versionsIn = (entries: FeedEntry[], id: string) =>
  entries.filter((entry) => entry.id === id).map(({ version }) => version)

export const SERVER_CHECKS: Record<string, (calls: ServerCalls) => Promise<void>> = {
  'creates a record at version 1, with its address': async (calls) => {
    const text = calls.text()
    const { type, fields, field } = calls.options
    const answer = await calls.call(0, 'POST', `/records/${type}`, { fields: fields(text) })
    const made = recordIn(answer, 201)
    assert.equal(made.version, 1)
    assert.equal(made.fields[field], text)
    assert.ok(
      answer.headers.get('location')?.endsWith(calls.pathOf(made.id)),
      `Location is ${answer.headers.get('location')}`,
    )
    assert.deepEqual(recordIn(await calls.read(made.id, 1)), made, 'the other person reads something else')
  },

  'answers 304 while the record is at the version that is named': async (calls) => {
    const { id } = await calls.create()
    const same = { 'if-none-match': '"1"' }
    for (const path of [calls.pathOf(id), `${calls.pathOf(id)}/version`])
      assert.equal((await calls.call(1, 'GET', path, undefined, same)).status, 304, path)
    recordIn(await calls.save(0, id, 1, calls.text()))
    for (const path of [calls.pathOf(id), `${calls.pathOf(id)}/version`]) {
      const { status, headers } = await calls.call(1, 'GET', path, undefined, same)
      assert.deepEqual([status, headers.get('etag')], [200, '"2"'], path)
    }
  },

  'saves from the current version, and refuses a save from an older one': async (calls) => {
    const { id } = await calls.create()
    const [first, second] = [calls.text(), calls.text()]
    assert.equal(recordIn(await calls.save(0, id, 1, first)).version, 2)
    const stale = staleIn(await calls.save(1, id, 1, second))
    assert.deepEqual(
      [stale.client_version, stale.current_version, stale.changed_fields],
      [1, 2, [calls.options.field]],
    )
    assert.equal(stale.current.fields[calls.options.field], first)
    assert.equal(
      recordIn(await calls.read(id)).fields[calls.options.field],
      first,
      'a refused save was written',
    )
    assert.equal(recordIn(await calls.save(1, id, 2, second)).version, 3)
  },

  'takes If-Match for the version, and answers 412': async (calls) => {
    const { id } = await calls.create()
    const body = () => ({ changes: { [calls.options.field]: calls.text() } })
    const patch = (version: number) =>
      calls.call(0, 'PATCH', calls.pathOf(id), body(), { 'if-match': `"${version}"` })
    assert.equal(recordIn(await patch(1)).version, 2)
    staleIn(await patch(1), 412)
  },

  'refuses a save without a version, and one with an impossible version': async (calls) => {
    const { id } = await calls.create()
    const changes = { [calls.options.field]: calls.text() }
    problemIn(await calls.call(0, 'PATCH', calls.pathOf(id), { changes }), 428, 'version_required')
    for (const version of [0, -1, 1.5, '1x'])
      problemIn(
        await calls.call(0, 'PATCH', calls.pathOf(id), { client_version: version, changes }),
        400,
        'malformed',
      )
    assert.equal(recordIn(await calls.read(id)).version, 1)
  },

  'answers a save that is sent again with the first answer, and makes it once': async (calls) => {
    const { id } = await calls.create()
    const [text, key] = [calls.text(), randomUUID()]
    const first = recordIn(await calls.save(0, id, 1, text, { mutation_id: key }))
    recordIn(await calls.save(1, id, 2, calls.text()))
    const again = recordIn(await calls.save(0, id, 1, text, { mutation_id: key }))
    assert.deepEqual(
      [again.version, again.fields],
      [first.version, first.fields],
      'the replay has another answer',
    )
    const byHeader = recordIn(await calls.save(0, id, 1, text, {}, { 'idempotency-key': key }))
    assert.equal(byHeader.version, 2)
    assert.equal(recordIn(await calls.read(id)).version, 3, 'a replay made another version')
    problemIn(await calls.save(0, id, 3, calls.text(), { mutation_id: key }), 409, 'mutation_reused')
  },

  'makes no version of a save that changes nothing': async (calls) => {
    const { id, fields } = await calls.create()
    const same = await calls.save(0, id, 1, String(fields[calls.options.field]))
    assert.equal(recordIn(same).version, 1)
  },

  'refuses fields that there are not, and what only the server writes': async (calls) => {
    const { id } = await calls.create()
    for (const field of ['no_such_field', 'version', 'id']) {
      const answer = await calls.call(0, 'PATCH', calls.pathOf(id), {
        client_version: 1,
        changes: { [field]: 7 },
      })
      problemIn(answer, 422, 'invalid')
      assert.equal(answer.body.errors?.[0]?.field, field)
    }
  },

  'answers 404 for a record that is not there': async (calls) => {
    const { id } = await calls.create()
    const missing = /^\d+$/.test(id) ? '999999999' : NOBODY
    problemIn(await calls.read(missing), 404, 'not_found')
    problemIn(await calls.save(0, missing, 1, calls.text()), 404, 'not_found')
  },

  'says which of many records have another version': async (calls) => {
    const { type } = calls.options
    const [same, changed] = [await calls.create(), await calls.create()]
    recordIn(await calls.save(0, changed.id, 1, calls.text()))
    const asked = [same.id, changed.id].map((id) => ({ type, id, version: 1 }))
    const { status, body } = await calls.call(1, 'POST', '/records/versions', { records: asked })
    assert.equal(status, 200)
    assert.deepEqual(
      body.data.map(({ id, version }: { id: string; version: number }) => [id, version]),
      [[changed.id, 2]],
    )
  },

  'deletes under guard, and says afterwards that it was there': async (calls) => {
    const { id } = await calls.create()
    recordIn(await calls.save(0, id, 1, calls.text()))
    const remove = (version: number) => calls.call(1, 'DELETE', calls.pathOf(id), { client_version: version })
    staleIn(await remove(1))
    assert.equal((await remove(2)).status, 204)
    problemIn(await calls.read(id), 410, 'deleted')
    problemIn(await calls.save(0, id, 2, calls.text()), 410, 'deleted')
  },

  'lists records, and then what has changed since': async (calls) => {
    const { type, field } = calls.options
    const [kept, removed] = [await calls.create(), await calls.create()]
    const page = await calls.call(0, 'GET', `/records/${type}?sort=-id&limit=1000`)
    assert.equal(page.status, 200)
    const ids: string[] = page.body.data.map(({ id }: { id: string }) => id)
    assert.ok(ids.includes(kept.id) && ids.includes(removed.id), 'a new record is not in the list')
    const text = calls.text()
    recordIn(await calls.save(1, kept.id, 1, text))
    await calls.call(1, 'DELETE', calls.pathOf(removed.id), { client_version: 1 })
    const made = await calls.create(1)
    const delta = await calls.call(
      0,
      'GET',
      `/records/${type}?sort=-id&cursor=${encodeURIComponent(page.body.cursor)}`,
    )
    const { data, removed: gone } = delta.body
    const names = new Map(
      data.map((record: { id: string; fields: Record<string, unknown> }) => [
        record.id,
        record.fields[field],
      ]),
    )
    assert.deepEqual([names.get(kept.id), names.has(made.id), gone.includes(removed.id)], [text, true, true])
  },

  'has each change in its feed once, in the order of its record’s versions': async (calls) => {
    const cursor = await calls.cursor()
    const { id } = await calls.create()
    for (let version = 1; version <= 4; version++)
      recordIn(await calls.save(version % 2 ? 0 : 1, id, version, calls.text()))
    await calls.call(0, 'DELETE', calls.pathOf(id), { client_version: 5 })
    const { entries, cursor: end } = await calls.changesSince(cursor)
    const own = entries.filter((entry) => entry.id === id)
    assert.deepEqual(
      own.map(({ event, version }) => [event, version]),
      [['created', 1], ...[2, 3, 4, 5].map((version) => ['updated', version]), ['deleted', 6]],
    )
    assert.deepEqual(
      (await calls.changesSince(end)).entries.filter((entry) => entry.id === id),
      [],
      'a change came twice',
    )
  },

  'loses no save of two people who save at the same time': async (calls) => {
    const cursor = await calls.cursor()
    const { id } = await calls.create()
    const accepted: Accepted[] = []
    const { saves = 30 } = calls.options
    await Promise.all(
      ([0, 1] as const).map((who) => saveInTurns(calls, who, id, Math.ceil(saves / 2), accepted)),
    )
    const versions = accepted.map(({ version }) => version).sort((a, b) => a - b)
    assert.ok(versions.length > 0, 'no save was accepted')
    assert.deepEqual(
      versions,
      versions.map((_, at) => at + 2),
      'the versions of the accepted saves are not 2, 3, 4 …: one was given twice, or a save that was answered made none',
    )
    const last = accepted.find(({ version }) => version === versions.at(-1))
    const found = recordIn(await calls.read(id))
    assert.deepEqual(
      [found.version, found.fields[calls.options.field]],
      [last?.version, last?.text],
      'the record is not what the last accepted save wrote',
    )
    const { entries } = await calls.changesSince(cursor)
    assert.deepEqual(
      versionsIn(entries, id),
      [1, ...versions],
      'the feed has other versions than were answered',
    )
  },
}

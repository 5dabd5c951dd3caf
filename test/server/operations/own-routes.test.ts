// An app's own routes, with what people send them.
import { expect, test } from 'vitest'
import { startApp } from '../../support/app.ts'

test('what an app passes on unread is answered as over the wire: nobody signed in, no version, one that is none', async () => {
  const app = await startApp()
  const { id } = await app.make('project', { name: 'Bridge' })
  const actor = app.people.get('alice') as never
  const save = (options: object) =>
    app.records.save('project', id, { actor, changes: {}, ...options } as never)
  const statusOf = async (asked: Promise<object>) =>
    (await asked) as { outcome: string; problem: { status: number } }
  const answers = await Promise.all(
    [
      app.records.read('project', id, { actor: null as never }),
      app.records.create('project', { actor: undefined as never, fields: { name: 'X' } }),
      save({ clientVersion: undefined }),
      save({ clientVersion: 'one' }),
      app.records.remove('project', id, { actor } as never),
    ].map(statusOf),
  )
  expect(answers.map(({ outcome, problem }) => [outcome, problem.status])).toEqual([
    ['refused', 401],
    ['refused', 401],
    ['refused', 428],
    ['refused', 400],
    ['refused', 428],
  ])
})

test('changes and fields that are no object are refused, and nothing is written', async () => {
  const app = await startApp()
  const { id } = await app.make('project', { name: 'Bridge' })
  const actor = app.people.get('alice') as never
  for (const given of [undefined, null, 5, 'name', [], ['name']] as never[]) {
    const answers = await Promise.all([
      app.records.save('project', id, { actor, clientVersion: 1, changes: given }),
      app.records.saveMany('project', { actor, changes: given, records: [{ id, clientVersion: 1 }] }),
      app.records.create('project', { actor, fields: given }),
    ])
    for (const answer of answers)
      expect(answer).toMatchObject({
        outcome: 'refused',
        problem: {
          status: 400,
          code: 'malformed',
          detail: expect.stringMatching(/^(changes|fields) must be an object/),
        },
      })
  }
  expect(await app.sql('select name, version::int from projects')).toEqual([{ name: 'Bridge', version: 1 }])
})

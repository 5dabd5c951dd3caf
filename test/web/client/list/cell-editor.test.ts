// One cell of a list: its save is guarded by the version that its row had when the edit began, what is typed stays until
// it is saved or let go, and the list holds still meanwhile.

import { expect, test } from 'vitest'
import type { StaleProblem, WireRecord } from '../../../../server/protocol/index.ts'
import { type Choices, resolutionOf } from '../../../../web/client/conflict/conflict-resolution.ts'
import type { ClientSaveOutcome } from '../../../../web/client/http/outcomes.ts'
import type { ClientSaveOptions } from '../../../../web/client/http/requests.ts'
import { cellConflict, cellSentence, createCellEditor } from '../../../../web/client/list/cell-editor.ts'
import { createWords } from '../../../../web/client/words/messages.ts'
import { createListWorld } from './list-world.ts'

const words = createWords()

async function openCell({ onStale, texts }: { onStale?: 'merge'; texts?: string[] } = {}) {
  const world = createListWorld()
  for (const id of ['1', '2']) world.put(id, { title: `t${id}`, status: 'todo' }, { silent: true })
  const list = world.open()
  list.subscribe(() => {})
  await world.forward(0)
  const sent: ClientSaveOptions[] = []
  let refusal: ClientSaveOutcome<object> | null = null
  const save = async (_type: string, id: string, options: ClientSaveOptions) => {
    sent.push(options)
    await Promise.resolve()
    if (refusal) return refusal
    const record = world.record(id) as WireRecord
    if (options.clientVersion === record.version) {
      const saved = world.put(id, options.changes, { silent: true })
      world.own({ kind: 'saved', record: saved })
      return { outcome: 'saved', record: saved, mergedFields: [] }
    }
    const problem = {
      ...{
        client_version: options.clientVersion,
        current_version: record.version,
        changed_fields: ['title'],
      },
      ...{ updated_by: record.updated_by, current: record },
      ...(texts && { merge: { text: texts } }),
    }
    return { outcome: 'conflict', problem: problem as unknown as StaleProblem }
  }
  const cells = createCellEditor({ save: save as never, ...(onStale && { onStale }) }, list)
  const row = (id: string) => list.get().byId.get(id) as WireRecord
  const refuse = (outcome: ClientSaveOutcome<object> | null) => {
    refusal = outcome
  }
  return { world, list, cells, sent, row, refuse }
}

test('saves the one field with the version of its row, and lets the list go', async () => {
  const { cells, sent, row, list } = await openCell()
  cells.begin(row('1'), 'title')
  expect(list.get().isHeld).toBe(true)
  cells.change('new')
  expect(await cells.save()).toBe(true)
  expect(sent).toEqual([{ clientVersion: 1, changes: { title: 'new' } }])
  expect([cells.get(), list.get().isHeld, row('1').fields.title]).toEqual([null, false, 'new'])
})

test('what was not changed is not sent', async () => {
  const { cells, sent, row, list } = await openCell()
  cells.begin(row('1'), 'title')
  expect(await cells.save()).toBe(true)
  expect([sent, cells.get(), list.get().isHeld]).toEqual([[], null, false])
})

test('a stale save keeps what is typed and says who was quicker; mine goes over theirs once it was seen', async () => {
  const { world, cells, sent, row } = await openCell()
  cells.begin(row('1'), 'title')
  cells.change('mine')
  world.put('1', { title: 'theirs' })
  await world.forward(10_000)
  expect(row('1').fields.title).toBe('t1')
  expect(await cells.save()).toBe(false)
  const edit = cells.get()
  expect(edit).toMatchObject({ value: 'mine', status: 'conflicted' })
  expect(edit && cellSentence(edit, words)).toBe('Bob changed this record: Title.')
  expect(await cells.save()).toBe(false)
  expect(await cells.keepMine()).toBe(true)
  expect(sent.map(({ clientVersion }) => clientVersion)).toEqual([1, 2])
  expect([row('1').fields.title, row('1').version]).toEqual(['mine', 3])
})

test('theirs are shown when they are taken, and nothing is sent', async () => {
  const { world, cells, sent, row } = await openCell()
  cells.begin(row('1'), 'title')
  cells.change('mine')
  world.put('1', { title: 'theirs' }, { silent: true })
  await cells.save()
  cells.takeTheirs()
  await world.forward(0)
  expect([row('1').fields.title, cells.get(), sent.length]).toEqual(['theirs', null, 1])
})

test('another cell does not begin while something is typed, and does once it is not', async () => {
  const { cells, row } = await openCell()
  cells.begin(row('1'), 'title')
  cells.change('typed')
  expect(cells.begin(row('2'), 'title')).toBe(false)
  expect(cells.get()).toMatchObject({ id: '1', value: 'typed' })
  cells.cancel()
  expect(cells.begin(row('2'), 'title')).toBe(true)
})

test('what is typed while its save is in flight is saved after it', async () => {
  const { cells, row, sent } = await openCell()
  cells.begin(row('1'), 'title')
  cells.change('one')
  const saving = cells.save()
  cells.change('two')
  expect(await saving).toBe(false)
  expect(cells.get()).toMatchObject({ value: 'two', status: 'editing', base: { version: 2 } })
  expect(await cells.save()).toBe(true)
  expect(sent.map(({ clientVersion }) => clientVersion)).toEqual([1, 2])
})

test('every refusal keeps what is typed and says why', async () => {
  const { cells, row, refuse } = await openCell()
  const say = async (outcome: ClientSaveOutcome<object>) => {
    refuse(outcome)
    await cells.save()
    const edit = cells.get()
    expect(edit).toMatchObject({ value: 'typed', status: 'refused' })
    return edit && cellSentence(edit, words)
  }
  cells.begin(row('1'), 'title')
  cells.change('typed')
  expect(await say({ outcome: 'invalid', errors: [{ field: 'title', message: 'Too long.' }] })).toBe(
    'Not saved: Too long.',
  )
  expect(await say({ outcome: 'unreachable', retryAfterMs: null, detail: '' })).toBe(
    'Not saved: no answer from the server.',
  )
  expect(await say({ outcome: 'unauthenticated' })).toBe('Not saved: you are signed out.')
  expect(await say({ outcome: 'not_found' })).toBe('Not saved: the record is gone.')
  refuse(null)
  expect(await cells.save()).toBe(true)
})

async function conflicted(mine: unknown, theirs: object) {
  const opened = await openCell()
  const { world, cells, row } = opened
  cells.begin(row('1'), 'title')
  cells.change(mine)
  world.put('1', { ...theirs }, { silent: true })
  await cells.save()
  const view = () => {
    const edit = cells.get()
    return edit && cellConflict(edit, words)
  }
  return { ...opened, view }
}

test('a refused cell has the same two sides as a form, with what else the others changed', async () => {
  const { view } = await conflicted('mine', { title: 'theirs', status: 'done' })
  expect(view()).toMatchObject({ reason: 'refused', version: 2 })
  expect(
    view()?.fields.map(({ field, original, mine, theirs, side }) => [field, original, mine, theirs, side]),
  ).toEqual([
    ['title', 't1', 'mine', 'theirs', null],
    ['status', 'todo', 'todo', 'done', 'theirs'],
  ])
})

test('what was decided is saved on the version that was looked at: each side, something else, other fields too', async () => {
  for (const [choices, changes] of [
    [{ title: { side: 'mine', theirs: 'theirs' } }, { title: 'mine' }],
    [{ title: { side: 'both', theirs: 'theirs', both: 'put together' } }, { title: 'put together' }],
    [
      { title: { side: 'mine', theirs: 'theirs' }, status: { side: 'mine', theirs: 'done' } },
      { title: 'mine', status: 'todo' },
    ],
    [
      { title: { side: 'theirs', theirs: 'theirs' }, status: { side: 'mine', theirs: 'done' } },
      { status: 'todo' },
    ],
  ] as [Choices, object][]) {
    const { view, cells, sent, list } = await conflicted('mine', { title: 'theirs', status: 'done' })
    const shown = view()
    const decision = shown && resolutionOf(shown, choices)
    expect(decision && (await cells.resolve(decision))).toBe(true)
    expect(sent.at(-1)).toEqual({ clientVersion: 2, changes })
    expect([cells.get(), list.get().isHeld]).toEqual([null, false])
  }
})

test('all theirs sends nothing, a decision on an older version does nothing, and closing keeps what was typed', async () => {
  const { view, cells, sent, world } = await conflicted('mine', { title: 'theirs' })
  const shown = view()
  expect(shown && (await cells.resolve({ version: 1, theirs: ['title'], edited: {} }))).toBe(false)
  cells.closeConflict()
  const closed = cells.get()
  expect([closed?.value, view(), closed && cellSentence(closed, words)]).toEqual([
    'mine',
    null,
    'Bob changed this record: Title.',
  ])
  await cells.save()
  expect(cells.get()?.status).toBe('conflicted')
  expect(await cells.resolve({ version: 2, theirs: ['title'], edited: {} })).toBe(true)
  await world.forward(0)
  expect([sent.length, cells.get()]).toEqual([2, null])
})

test('a second refusal shows the newest version, and what was decided in other fields stays decided', async () => {
  const { view, cells, sent, world } = await conflicted('mine', { title: 'theirs', status: 'done' })
  world.put('1', { title: 'theirs again' }, { silent: true })
  const decision = { version: 2, theirs: [], edited: { status: 'todo' } }
  expect(await cells.resolve(decision)).toBe(false)
  expect(view()).toMatchObject({ version: 3 })
  expect(view()?.fields.map(({ field, mine }) => [field, mine])).toEqual([
    ['title', 'mine'],
    ['status', 'todo'],
  ])
  expect(await cells.resolve({ version: 3, theirs: [], edited: {} })).toBe(true)
  expect(sent.at(-1)).toEqual({ clientVersion: 3, changes: { title: 'mine', status: 'todo' } })
})

test('a long text that two people changed at different places is saved from a cell without a question', async () => {
  const original = 'The bridge is built of stone, and it was opened in spring by the mayor of the town.'
  const { world, cells, row, sent, list } = await openCell({ onStale: 'merge', texts: ['title'] })
  world.put('1', { title: original }, { silent: true })
  await list.reload()
  await world.forward(10_000)
  cells.begin(row('1'), 'title')
  cells.change(original.replace('stone', 'steel'))
  world.put('1', { title: original.replace('spring', 'summer') }, { silent: true })
  expect(await cells.save()).toBe(true)
  expect(sent.at(-1)).toEqual({
    clientVersion: 3,
    changes: { title: original.replace('stone', 'steel').replace('spring', 'summer') },
    onStale: 'merge',
  })
})

test('the last save is undone as a version of its own; what somebody changed since stays', async () => {
  const { cells, sent, row, world, refuse } = await openCell()
  expect(await cells.undo()).toBeNull()
  cells.begin(row('1'), 'title')
  cells.change('new')
  await cells.save()
  expect(cells.lastSaved.get()).toMatchObject({
    id: '1',
    field: 'title',
    version: 2,
    before: { title: 't1' },
  })
  cells.begin(row('2'), 'title')
  expect(await cells.undo()).toBeNull()
  cells.cancel()
  refuse({ outcome: 'unreachable', retryAfterMs: null, detail: '' })
  expect(await cells.undo()).toMatchObject({ outcome: 'unreachable' })
  refuse(null)
  expect(await cells.undo()).toMatchObject({ outcome: 'saved', record: { fields: { title: 't1' } } })
  expect(sent.at(-1)).toEqual({ clientVersion: 2, changes: { title: 't1' } })
  expect([cells.lastSaved.get(), await cells.undo()]).toEqual([null, null])
  cells.begin(row('1'), 'title')
  cells.change('newer')
  await cells.save()
  world.put('1', { title: 'theirs' }, { silent: true })
  expect(await cells.undo()).toMatchObject({ outcome: 'conflict' })
  expect(world.record('1')?.fields.title).toBe('theirs')
})

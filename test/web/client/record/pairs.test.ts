// Two people edit one record at once, in generated ways: how often somebody has to decide, with and without merging. What is
// left over is compared with what both typed: nothing of either is lost without a decision.

import { expect, test } from 'vitest'
import type { RecordClient } from '../../../../web/client/record-client-options.ts'
import { randomOf } from '../../../support/random.ts'
import { waitFor } from '../../../support/wait-for.ts'
import { type Project, startLiveServer } from '../live-server.ts'

const PAIRS = Number(process.env.NOCLOBBER_PAIRS ?? 40)
const server = await startLiveServer()

const LINES = Array.from(
  { length: 12 },
  (_, line) => `Line ${line} of the notes says what was agreed on day ${line}.`,
)
const NOTES = `${LINES.join('\n')}\n`
const FIELDS = ['name', 'status', 'budget', 'notes', 'notes', 'links'] as const

type Edit = Partial<Project>

/** One to three fields; a place in the notes, a key of the links. */
function createEdit(random: ReturnType<typeof randomOf>, who: string): Edit {
  const edit: Edit = {}
  const count = random.below(3) + 1
  for (let at = 0; at < count; at += 1) {
    const field = FIELDS[random.below(FIELDS.length)]
    if (field === 'name' || field === 'status') edit[field] = `${who} ${random.below(100)}`
    if (field === 'budget') edit.budget = random.below(1000) + 1
    if (field === 'links')
      edit.links = { a: '1', b: '2', c: '3', [['a', 'b', 'c'][random.below(3)] as string]: who }
    if (field === 'notes') {
      const line = random.below(LINES.length)
      edit.notes = NOTES.replace(`Line ${line} `, `Line ${line} (${who}) `)
    }
  }
  return edit
}

async function open(client: RecordClient, id: string) {
  const editor = client.editor<Project>('project', id)
  const stop = editor.subscribe(() => {})
  await waitFor(() => editor.get().record, { what: 'the record' })
  return { editor, stop }
}

async function decisionsOf(onStale: 'reject' | 'merge'): Promise<number> {
  const random = randomOf(17)
  const [alice, bob] = ['alice', 'bob'].map((name) => server.openTab(name, { onStale, transports: [] })) as [
    RecordClient,
    RecordClient,
  ]
  let decisions = 0
  for (let pair = 0; pair < PAIRS; pair += 1) {
    const id = await server.createProject(`Bridge ${pair}`)
    await server.sql(
      `update projects set notes = '${NOTES}', links = '{"a":"1","b":"2","c":"3"}' where id = ${id}`,
    )
    const mine = await open(alice, id)
    const theirs = await open(bob, id)
    const [edit, other] = [createEdit(random, 'Alice'), createEdit(random, 'Bob')]
    for (const [field, value] of Object.entries(edit)) mine.editor.change(field as keyof Project, value)
    for (const [field, value] of Object.entries(other)) theirs.editor.change(field as keyof Project, value)
    await theirs.editor.save()
    await mine.editor.save()
    if (mine.editor.get().status === 'conflicted') {
      decisions += 1
      expect(mine.editor.get().draft).toEqual(edit)
    } else expectBoth(mine.editor.get().record?.fields as unknown as Project, edit, other)
    mine.stop()
    theirs.stop()
  }
  return decisions
}

/** What is in the record is what both typed. */
function expectBoth(saved: Project, mine: Edit, theirs: Edit) {
  for (const edit of [mine, theirs]) {
    for (const field of ['name', 'status', 'budget'] as const)
      if (field in edit) expect(saved[field]).toBe(edit[field])
    for (const part of edit.notes?.match(/Line \d+ \(\w+\)/g) ?? []) expect(saved.notes).toContain(part)
    for (const [key, value] of Object.entries(edit.links ?? {}))
      if (!/^\d$/.test(value)) expect(saved.links[key]).toBe(value)
  }
}

test('only changes at the same place need a decision', { timeout: 120_000 }, async () => {
  const [before, after] = [await decisionsOf('reject'), await decisionsOf('merge')]
  console.info(`${PAIRS} pairs of edits: ${before} decisions without merging, ${after} with`)
  expect(before).toBe(PAIRS)
  expect(after).toBeLessThan(PAIRS / 2)
})

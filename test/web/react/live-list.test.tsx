// What a live table draws: counted in React's own commits and in renders of rows, against the usual way, which fetches the
// list anew on every event.

import { act, cleanup, render, screen } from '@testing-library/react'
import { ListBar, LiveProvider, useLiveList } from 'noclobber/react'
import { memo, Profiler, useEffect, useState } from 'react'
import { afterEach, expect, test } from 'vitest'
import type { WireRecord } from '../../../server/protocol/index.ts'
import type { RecordClient } from '../../../web/client/record-client-options.ts'
import { createListWorld } from '../client/list/list-world.ts'

afterEach(cleanup)

const ROWS = 400
const EDITS = 100

function fillWorld() {
  const world = createListWorld()
  for (let n = 1; n <= ROWS; n += 1) world.put(String(n), { title: `Task ${n}`, hours: 1 }, { silent: true })
  const client = { liveList: (_type: string, query: object) => world.open(query) } as unknown as RecordClient
  const drawn = new Map<string, number>()
  const Row = memo(({ task }: { task: WireRecord }) => {
    drawn.set(task.id, (drawn.get(task.id) ?? 0) + 1)
    return <li>{`${task.fields.title} ${task.fields.hours}`}</li>
  })
  return { world, client, drawn, Row }
}

/** Bob edits a hundred tasks within ten seconds, each tenth of a second one. */
const edit = async (world: ReturnType<typeof createListWorld>) => {
  for (let n = 1; n <= EDITS; n += 1) {
    await act(async () => {
      world.put(String(n * 3), { hours: 2 })
      await world.forward(100)
    })
  }
  for (let second = 0; second < 10; second += 1) await act(() => world.forward(1000))
}

const drawnUnchanged = (drawn: Map<string, number>) =>
  [...drawn].filter(([id]) => Number(id) % 3 !== 0 || Number(id) > EDITS * 3).length

test('a hundred edits: four refreshes, eight commits, no unchanged row drawn, a twentieth of the bytes', async () => {
  const ours = fillWorld()
  let commits = 0
  const Table = () => {
    const tasks = useLiveList('task')
    return (
      <ul>
        {tasks.rows.map((task) => (
          <ours.Row key={task.id} task={task} />
        ))}
      </ul>
    )
  }
  render(
    <LiveProvider client={ours.client}>
      <Profiler
        id="ours"
        onRender={() => {
          commits += 1
        }}
      >
        <Table />
      </Profiler>
    </LiveProvider>,
  )
  await act(() => ours.world.forward(0))
  await screen.findByText('Task 400 1')
  ours.drawn.clear()
  ours.world.asked.length = 0
  commits = 0
  await edit(ours.world)
  const ourRows = ours.world.asked.reduce((sum, { rows }) => sum + rows, 0)
  expect(screen.getAllByText(/ 2$/)).toHaveLength(EDITS)
  expect([ours.world.asked.length, commits, drawnUnchanged(ours.drawn)]).toEqual([4, expect.any(Number), 0])
  expect(commits).toBeLessThanOrEqual(8)
  expect([...ours.drawn.values()]).toEqual(Array(EDITS).fill(1))
  cleanup()

  const usual = fillWorld()
  let usualCommits = 0
  const UsualTable = () => {
    const [rows, setRows] = useState<WireRecord[]>([])
    useEffect(() => {
      const load = async () => {
        const found: WireRecord[] = []
        for (let after: string | null | undefined; after !== null; ) {
          const page = await usual.world.list({ limit: 1000, ...(after ? { after } : {}) })
          found.push(...page.data.map((record) => ({ ...record })))
          after = page.next
        }
        setRows(found)
      }
      void load()
      return usual.world.onNews(() => void load())
    }, [])
    return (
      <ul>
        {rows.map((task) => (
          <usual.Row key={task.id} task={task} />
        ))}
      </ul>
    )
  }
  render(
    <Profiler
      id="usual"
      onRender={() => {
        usualCommits += 1
      }}
    >
      <UsualTable />
    </Profiler>,
  )
  await act(() => usual.world.forward(0))
  usual.drawn.clear()
  usual.world.asked.length = 0
  await edit(usual.world)
  const usualRows = usual.world.asked.reduce((sum, { rows }) => sum + rows, 0)
  expect(drawnUnchanged(usual.drawn)).toBe(ROWS - EDITS)
  expect(ourRows * 20).toBeLessThanOrEqual(usualRows)
  expect(usualCommits).toBeGreaterThan(commits * 10)
})

test('the bar counts what waits, reloads it, and stays and counts on while editing is kept', async () => {
  const { world, client, Row } = fillWorld()
  const Table = () => {
    const tasks = useLiveList('task', {}, { isBusy: true })
    return (
      <>
        <ListBar list={tasks} />
        {tasks.rows.map((task) => (
          <Row key={task.id} task={task} />
        ))}
      </>
    )
  }
  render(
    <LiveProvider client={client}>
      <Table />
    </LiveProvider>,
  )
  await act(() => world.forward(0))
  for (const id of ['1', '2', '3']) world.put(id, { title: 'Changed' })
  await act(() => world.forward(5000))
  expect(screen.getByRole('status').textContent).toBe('3 changes waiting')
  expect(screen.queryByText('Changed 1')).toBeNull()
  await act(async () => screen.getByRole('button', { name: 'Reload now' }).click())
  expect(screen.getAllByText('Changed 1')).toHaveLength(3)
  expect(screen.getByRole('status').textContent).toBe('')
  world.delete('4')
  await act(() => world.forward(5000))
  expect(screen.getByRole('status').textContent).toBe('1 change waiting')
  await act(async () => screen.getByRole('button', { name: 'Keep editing' }).click())
  expect(screen.getAllByRole('button').map(({ textContent }) => textContent)).toEqual(['Reload now'])
  const status = screen.getByRole('status')
  expect(status.textContent).toBe('1 change waiting')
  world.put('5', { title: 'Changed' })
  await act(() => world.forward(5000))
  expect(screen.getByRole('status')).toBe(status)
  expect(status.textContent).toBe('2 changes waiting')
  await act(async () => screen.getByRole('button', { name: 'Reload now' }).click())
  expect(status.textContent).toBe('')
})

// `<LostSaves>`: a line for each write that the server lost, with the button that makes it again.

import { act, cleanup, fireEvent, render, screen, waitFor, within } from '@testing-library/react'
import type { LostSave, RecordClient } from 'noclobber/client'
import { germanMessages } from 'noclobber/client'
import { LiveProvider, LostSaves } from 'noclobber/react'
import { afterEach, expect, test } from 'vitest'
import { createWritable } from '../../../web/client/base/store.ts'
import { createSmallServer } from '../small-server.ts'

afterEach(cleanup)

const at = new Date(2026, 10, 29, 10, 42).getTime()
const ONE = { type: 'project', version: 7, at, fileName: '', count: 1 }
const SAVE: LostSave = { ...ONE, what: 'save', id: '1', changes: { name: 'Bridge', due_on: null } }
const CREATION: LostSave = { ...ONE, what: 'creation', id: '2', changes: { name: 'Tunnel' } }
const BULK: LostSave = { ...ONE, what: 'bulk', id: '3', changes: { status: 'done' }, count: 12 }
const IMPORT: LostSave = { ...ONE, what: 'import', id: '', changes: {}, count: 1, fileName: 'bridges.csv' }

/** A page whose client has lost these. Restoring ends when the test says so. */
const open = (lost: LostSave[], messages = {}, isOpened = true) => {
  const lostSaves = createWritable<readonly LostSave[]>(lost)
  const done: [LostSave, (isGood: boolean) => void][] = []
  const opened: LostSave[] = []
  const dismissLost = (save: LostSave) => lostSaves.set(lostSaves.get().filter((each) => each !== save))
  const client: RecordClient = {
    ...createSmallServer().client,
    lostSaves,
    dismissLost,
    restoreLost: (save) =>
      new Promise((resolve) => {
        done.push([
          save,
          (isGood) => {
            if (isGood) dismissLost(save)
            resolve({ outcome: isGood ? 'saved' : 'unreachable' })
          },
        ])
      }),
  }
  render(
    <LiveProvider client={client} {...messages}>
      <LostSaves
        nameOf={({ id }) => `Project ${id}`}
        onOpen={(save) => {
          opened.push(save)
          return isOpened
        }}
      />
    </LiveProvider>,
  )
  return { lostSaves, done, opened }
}

const lines = () => screen.queryAllByRole('listitem')
const button = (line: HTMLElement, name: string) => within(line).getByRole('button', { name })

test('without a lost write there is nothing but the place where it will be announced', () => {
  const { lostSaves } = open([])
  expect(screen.getByRole('status').textContent).toBe('')
  act(() => lostSaves.set([SAVE]))
  expect(screen.getByRole('status').textContent).toContain('was lost')
})

test('each kind has its sentence and its button', () => {
  open([SAVE, CREATION, BULK, IMPORT])
  expect(
    lines().map((line) => [
      line.querySelector('.nc-unsent-text')?.textContent?.replace(/(from|at) \d+:\d+\s?([AP]M)?/, 'then'),
      ...within(line)
        .getAllByRole('button')
        .map(({ textContent }) => textContent),
    ]),
  ).toEqual([
    [
      'Project 1 The server was restored. Your saved change to Name, Due on then was lost.',
      'Open',
      'Dismiss',
    ],
    [
      'Project 2 The server was restored. The record that you created then was lost.',
      'Create it anew',
      'Dismiss',
    ],
    [
      'The server was restored. Your change to Status of 12 records then was lost.',
      'Restore my edit',
      'Dismiss',
    ],
    [
      'bridges.csv The server was restored. Your import of 1 record then was lost.',
      'Import it again',
      'Dismiss',
    ],
  ])
})

test('a save is opened, and its line goes', () => {
  const { opened } = open([SAVE, BULK])
  fireEvent.click(button(lines()[0] as HTMLElement, 'Open'))
  expect(opened).toEqual([SAVE])
  expect(lines()).toHaveLength(1)
  fireEvent.click(button(lines()[0] as HTMLElement, 'Dismiss'))
  expect(lines()).toHaveLength(0)
})

test('a save whose record can’t be opened yet keeps its line', () => {
  const { opened } = open([SAVE], {}, false)
  fireEvent.click(button(lines()[0] as HTMLElement, 'Open'))
  expect(opened).toEqual([SAVE])
  expect(lines()).toHaveLength(1)
})

test.each([CREATION, BULK, IMPORT])(
  'what is made again is asked for once, and goes when it succeeds: $what',
  async (lost) => {
    const { done, opened } = open([lost])
    const [line] = lines() as [HTMLElement]
    const [first] = within(line).getAllByRole<HTMLButtonElement>('button') as [HTMLButtonElement]
    fireEvent.click(first)
    expect(first.getAttribute('aria-disabled')).toBe('true')
    fireEvent.click(first)
    expect(done.map(([save]) => save)).toEqual([lost])
    await act(async () => done[0]?.[1](false))
    await waitFor(() => expect(line.textContent).toContain('That did not succeed. Try again.'))
    fireEvent.click(first)
    expect(done).toHaveLength(2)
    await act(async () => done[1]?.[1](true))
    await waitFor(() => expect(lines()).toHaveLength(0))
    expect(opened).toEqual([])
  },
)

test('in German', () => {
  open([BULK], { messages: germanMessages, locale: 'de' })
  expect(lines()[0]?.textContent).toMatch(
    /Ihre Änderung von 10:42 an Status von 12 Datensätzen ging verloren/,
  )
})

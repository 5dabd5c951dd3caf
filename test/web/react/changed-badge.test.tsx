// The badge of a link, over what a server may answer: numbers, a most, unknown, nothing at all.
import { act, cleanup, render, screen, waitFor } from '@testing-library/react'
import { germanChangedMessages, germanMessages, type LastLooksStorage } from 'noclobber/client'
import { ChangedBadge, LiveProvider, type LiveProviderProps, useChangedSince } from 'noclobber/react'
import { StrictMode } from 'react'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { ChangedCount, CountedType } from '../../../server/protocol/index.ts'
import { createSmallServer } from '../small-server.ts'

afterEach(cleanup)
beforeEach(() => localStorage.clear())

const Link = ({ types, looks }: { types: string | string[]; looks?: LastLooksStorage | undefined }) => {
  const changed = useChangedSince(types, looks ? { looks } : {})
  return (
    <p>
      <output>{[changed.status, changed.count, changed.isMore, changed.isStale].join(' ')}</output>
      <ChangedBadge changed={changed} />
      <button type="button" onClick={() => changed.markSeen()}>
        Look
      </button>
    </p>
  )
}

const show = (
  answers: ((since: CountedType[]) => ChangedCount[] | null) | null,
  props: Partial<LiveProviderProps> = {},
  types: string | string[] = 'project',
  looks?: LastLooksStorage,
) => {
  const server = createSmallServer({ userId: () => 'u1' })
  if (answers) server.countBy(answers)
  const asked = () => server.sent.filter(({ path }) => path === '/changes/count')
  const page = render(
    <StrictMode>
      <LiveProvider client={server.client} {...props}>
        <Link types={types} looks={looks} />
      </LiveProvider>
    </StrictMode>,
  )
  return { server, asked, ...page }
}
const find = (text: string) => screen.findByText(text, {}, { timeout: 15_000 })
const badge = () => document.querySelector('[data-slot="nc-changed"]')

/** Counts what was changed since each cursor, as `c1`, `c2` … are given out. */
const counting = () => {
  let at = 0
  const world = { changes: [] as number[], most: 99 }
  const answer = (since: CountedType[]): ChangedCount[] => {
    at += 1
    return since.map(({ type, cursor }) => {
      const from = cursor === undefined ? at : Number(cursor.slice(1))
      const count = world.changes.filter((moment) => moment >= from).length
      const more = count > world.most ? { more: true as const } : {}
      return { type, count: Math.min(count, world.most), cursor: `c${at}`, ...more }
    })
  }
  return { world, answer, change: (times = 1) => world.changes.push(...Array(times).fill(at)) }
}

test('shows the number, in words for screen readers, and nothing once it was seen', async () => {
  const { answer, change } = counting()
  const { server } = show(answer)
  await find('ready 0 false false')
  expect(badge()).toBeNull()
  change(2)
  await act(async () => server.saveAsBob('1', { budget: 7 }))
  await find('ready 2 false false')
  expect(badge()?.textContent).toBe('22 changed since you last looked')
  expect(badge()?.firstElementChild?.getAttribute('aria-hidden')).toBe('true')
  act(() => screen.getByRole('button').click())
  await find('ready 0 false false')
  expect(badge()).toBeNull()
  expect(JSON.parse(localStorage.getItem('noclobber-looks u1') ?? '')).toEqual({
    project: expect.any(String),
  })
})

test('has a most; beyond it further changes cost no request', async () => {
  const { answer, change } = counting()
  const { server, asked } = show(answer, {
    messages: { ...germanMessages, changed: germanChangedMessages },
    locale: 'de',
  })
  await find('ready 0 false false')
  change(1_200)
  await act(async () => server.saveAsBob('1', { budget: 7 }))
  await find('ready 99 true false')
  expect(badge()?.textContent).toBe('99+Mehr als 99 Änderungen, seit Sie zuletzt hingesehen haben')
  const before = asked().length
  for (let budget = 8; budget < 12; budget += 1) await act(async () => server.saveAsBob('1', { budget }))
  // A look is asked about at once; before it the changes would have been.
  act(() => screen.getByRole('button').click())
  await waitFor(() => expect(asked().length).toBe(before + 1), { timeout: 15_000 })
  await find('ready 0 false false')
})

test('unknown is a dot and no number, until it was seen', async () => {
  let isPruned = true
  const answers = (since: CountedType[]) =>
    since.map(({ type }) => ({ type, count: isPruned ? null : 0, cursor: 'present' }))
  localStorage.setItem('noclobber-looks u1', JSON.stringify({ project: 'long ago' }))
  const { asked } = show(answers)
  await find('ready false false')
  expect(badge()?.textContent).toBe('•How many changed since you last looked is not known')
  expect(asked()[0]?.body).toEqual({ since: [{ type: 'project', cursor: 'long ago' }], most: 99 })
  expect(localStorage.getItem('noclobber-looks u1')).toContain('long ago')
  isPruned = false
  act(() => screen.getByRole('button').click())
  await find('ready 0 false false')
  expect(localStorage.getItem('noclobber-looks u1')).toContain('present')
})

test('where the database’s history has gone back, counting begins anew', async () => {
  localStorage.setItem('noclobber-looks u1', JSON.stringify({ project: 'of before', task: 'kept' }))
  show((since) => since.map(({ type }) => ({ type, count: 0, cursor: 'anew', reset: true as const })))
  await find('ready 0 false false')
  expect(JSON.parse(localStorage.getItem('noclobber-looks u1') ?? '')).toEqual({
    project: 'anew',
    task: 'kept',
  })
})

test('a server that does not answer leaves what is shown, and says so; an older one shows nothing and is not asked again and again', async () => {
  const { answer, change } = counting()
  let isAway = false
  const { server, unmount } = show((since) => (isAway ? null : answer(since)))
  await find('ready 0 false false')
  change()
  await act(async () => server.saveAsBob('1', { budget: 7 }))
  await find('ready 1 false false')
  isAway = true
  await act(async () => server.saveAsBob('1', { budget: 8 }))
  await find('ready 1 false true')
  expect(badge()?.getAttribute('data-stale')).toBe('true')
  isAway = false
  await find('ready 1 false false')
  unmount()

  const older = show(null)
  await find('failed false false')
  expect(badge()).toBeNull()
  expect(older.asked()).toHaveLength(1)
})

test('a look before the first count counts from there', async () => {
  const { answer, change } = counting()
  localStorage.setItem('noclobber-looks u1', JSON.stringify({ project: 'c0' }))
  change(3)
  show(answer)
  act(() => screen.getByRole('button').click())
  await find('ready 0 false false')
  expect(localStorage.getItem('noclobber-looks u1')).not.toContain('c0')
})

test('malformed answers and what is kept malformed break nothing', async () => {
  localStorage.setItem('noclobber-looks u1', '{"project": 7, "note": "c1"')
  const odd = [{ type: 'project', count: '7', cursor: 7 }, null] as unknown as ChangedCount[]
  const { server } = show(() => odd)
  await act(async () => server.saveAsBob('1', { budget: 7 }))
  await find('failed false false')
})

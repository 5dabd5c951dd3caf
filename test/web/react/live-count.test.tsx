// Counts and sums of a component: asked for once it is there, again after a change, and kept where the server can't answer.
import { act, cleanup, render, screen } from '@testing-library/react'
import { LiveProvider, useLiveCount } from 'noclobber/react'
import { StrictMode } from 'react'
import { afterEach, expect, test } from 'vitest'
import { createSmallServer } from '../small-server.ts'

afterEach(cleanup)

const Count = (query: Parameters<typeof useLiveCount>[1]) => {
  const { status, count, sums, isStale } = useLiveCount('project', query)
  return <output>{[status, count, sums.budget, isStale].join(' ')}</output>
}

const show = (query: Parameters<typeof useLiveCount>[1] = {}) => {
  const server = createSmallServer()
  const asked = () => server.sent.filter(({ path }) => path.includes('limit=0'))
  const page = render(
    <StrictMode>
      <LiveProvider client={server.client}>
        <Count {...query} />
      </LiveProvider>
    </StrictMode>,
  )
  return { server, asked, ...page }
}
const find = (text: string) => screen.findByText(text, {}, { timeout: 10_000 })

test('are asked for as filtered, and are current after a change', { timeout: 20_000 }, async () => {
  const { server, asked, unmount } = show({
    where: { status: { in: ['planned', 'a,b'] }, budget: { gte: 5 } },
    search: ' bridge ',
    sum: ['budget'],
  })
  await find('ready 2 10 false')
  const { searchParams } = new URL(asked()[0]?.path ?? '', 'http://app.test')
  expect(Object.fromEntries(searchParams)).toEqual({
    'filter[status][in]': 'planned,a\\,b',
    'filter[budget][gte]': '5',
    'sum[budget]': 'exact',
    search: ' bridge ',
    count: 'exact',
    limit: '0',
  })
  await act(async () => server.saveAsBob('1', { budget: 7 }))
  await find('ready 2 12 false')
  unmount()
})

test('stay where the server can not answer, and say so', { timeout: 20_000 }, async () => {
  const { server } = show({ sum: ['budget'] })
  await find('ready 2 10 false')
  server.refuseCounts(true)
  await act(async () => server.saveAsBob('1', { budget: 8 }))
  await find('ready 2 10 true')
  server.refuseCounts(false)
  await act(async () => server.saveAsBob('1', { budget: 9 }))
  await find('ready 2 14 false')
})

// useRecordEvents and SWR's cache: what the app fetches itself is fetched again when records change.
import { act, cleanup, render, screen } from '@testing-library/react'
import { invalidateOn } from 'noclobber/client'
import { LiveProvider, useRecordEvents } from 'noclobber/react'
import { StrictMode, useEffect, useState } from 'react'
import useSWR, { SWRConfig, useSWRConfig } from 'swr'
import { afterEach, expect, test } from 'vitest'
import type { RecordClient } from '../../../web/client/record-client-options.ts'
import { createSmallServer } from '../small-server.ts'

afterEach(cleanup)

const happen = (server: ReturnType<typeof createSmallServer>, version: number) =>
  act(async () => server.saveAsBob('1', { name: `Version ${version}` }))

test('the newest function is called, and none after the component has gone', async () => {
  const server = createSmallServer()
  let isThere = true
  const Totals = () => {
    const [count, setCount] = useState(0)
    useRecordEvents('project', () => isThere && setCount(count + 1), { coalesceMs: 1 })
    return <output>{count}</output>
  }
  const page = render(
    <StrictMode>
      <LiveProvider client={server.client}>
        <Totals />
      </LiveProvider>
    </StrictMode>,
  )
  await screen.findByText('1')
  await happen(server, 2)
  await screen.findByText('2')
  await happen(server, 3)
  await screen.findByText('3')
  page.unmount()
  isThere = false
  await happen(server, 4)
})

test('keys of SWR are fetched again, once for a storm', async () => {
  const server = createSmallServer()
  let fetched = 0
  const Invalidate = ({ client }: { client: RecordClient }) => {
    const { mutate } = useSWRConfig()
    useEffect(
      () =>
        invalidateOn(
          client,
          (keys: string[]) => Promise.all(keys.map((key) => mutate(key))),
          { project: ['/dashboard'] },
          { coalesceMs: 200, isCalledFirst: false },
        ),
      [client, mutate],
    )
    const { data } = useSWR('/dashboard', async () => {
      fetched += 1
      return `fetched ${fetched}`
    })
    return <output>{data}</output>
  }
  render(
    <SWRConfig value={{ provider: () => new Map(), dedupingInterval: 0 }}>
      <Invalidate client={server.client} />
    </SWRConfig>,
  )
  await screen.findByText('fetched 1')
  for (let version = 2; version < 12; version += 1) await happen(server, version)
  await screen.findByText(/fetched [2-9]/)
  expect(fetched).toBeLessThan(10)
})

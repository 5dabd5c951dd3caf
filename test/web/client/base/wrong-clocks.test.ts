// "Ago" on a machine whose clock is an hour off, from a node whose clock is an hour off the other way: by the database's clock.
import { expect, test } from 'vitest'
import { bannerFor } from '../../../../web/client/record/banner.ts'
import { createRecordClient } from '../../../../web/client/record-client.ts'
import type { RecordClientOptions } from '../../../../web/client/record-client-options.ts'
import { createWords } from '../../../../web/client/words/messages.ts'
import { timeAgo } from '../../../../web/client/words/time-ago.ts'
import { startApp } from '../../../support/app.ts'
import { atEnd } from '../../../support/at-end.ts'
import { waitFor } from '../../../support/wait-for.ts'

const HOUR_MS = 3_600_000
const words = createWords()
const app = await startApp()
await waitFor(
  async () => (await app.call('POST', '/records/versions', { body: { records: [] } })).body.as_of,
  {
    what: 'the node to have read the log',
  },
)

const TRANSPORTS: [string, NonNullable<RecordClientOptions['transports']>][] = [
  ['a socket', ['websocket']],
  ['an event stream', ['event_stream']],
  ['polling', []],
]

test.each(
  TRANSPORTS.flatMap(([name, transports]) =>
    [HOUR_MS, -HOUR_MS].map((ms) => [name, ms, transports] as const),
  ),
)('by %s, this machine %i ms off', async (_, aheadMs, transports) => {
  const now = () => Date.now() + aheadMs
  const client = createRecordClient({
    url: `${app.origin}/api/v1`,
    token: () => 'alice',
    userId: () => 'alice',
    transports: [...transports],
    clock: {
      now,
      elapsed: () => performance.now(),
      after: (delayMs, run) => {
        const timer = setTimeout(run, delayMs / 10)
        return () => clearTimeout(timer)
      },
    },
    fetch: async (input, init) => {
      const answer = await fetch(input, init)
      const headers = new Headers(answer.headers)
      headers.set('date', new Date(Date.now() - aheadMs).toUTCString())
      return new Response(answer.body, { status: answer.status, headers })
    },
  })
  atEnd(() => client.close())
  const { id } = await app.make('project', { name: 'Bridge' })
  const editor = client.editor<{ name: string; status: string }>('project', id)
  atEnd(editor.subscribe(() => {}))
  await waitFor(() => editor.get().record && client.connection.get().lastCheckedAt, { what: 'the record' })
  editor.change('status', 'done')
  await app.sql(`update projects set name = 'Tunnel' where id = ${id}`)
  await waitFor(() => editor.get().newer, { what: 'the newer version' })
  const banner = bannerFor(editor.get(), now(), words)
  const time = banner?.parts.find((part) => part.kind === 'time')
  expect(time?.text).toMatch(/^(just now|\d+ s ago)$/)
  const [row] = await app.sql(`select updated_at from projects where id = ${id}`)
  expect(
    timeAgo(client.localTime(new Date(Number(row?.updated_at) - 630_000).toISOString()), now(), words),
  ).toMatch(/^10 min ago$/)
  const checkedAt = client.connection.get().lastCheckedAt
  expect(timeAgo(checkedAt ?? 0, now(), words)).toMatch(/^(just now|\d+ s ago)$/)
})

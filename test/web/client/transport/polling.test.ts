// When a page without events asks: every 5 s, and while the server can't answer every few seconds, so that it is right soon after.

import { expect, test } from 'vitest'
import { createRecordClient } from '../../../../web/client/record-client.ts'
import { createManualClock } from '../../../support/clocks.ts'

/** A page that only polls, on a server that can be away: how it then answers. */
const openPage = () => {
  const clock = createManualClock()
  const server: { away: (() => Promise<Response>) | null; version: number } = { away: null, version: 1 }
  const asked: { at: number; path: string }[] = []
  const json = (status: number, body: unknown) => new Response(JSON.stringify(body), { status })
  const record = () => ({
    ...{ type: 'project', id: '1', version: server.version, updated_at: new Date(0).toISOString() },
    ...{ updated_by: null, fields: { name: `v${server.version}` } },
  })
  const client = createRecordClient({
    url: 'http://app.test/api/v1',
    clock,
    transports: [],
    async fetch(input, init) {
      const path = String(input).replace('http://app.test/api/v1', '')
      asked.push({ at: clock.now(), path })
      if (server.away) return server.away()
      if (!path.endsWith('/versions')) return json(200, { data: record() })
      const [held] = JSON.parse(String(init?.body)).records
      return json(200, { data: held.version === server.version ? [] : [{ ...record(), deleted: false }] })
    },
  })
  const editor = client.editor('project', '1')
  const stop = editor.subscribe(() => {})
  const advance = async (ms: number) => {
    for (let left = ms; left > 0; left -= 250) {
      clock.forward(250)
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  const close = () => {
    stop()
    client.close()
  }
  return { advance, server, asked, editor, close }
}

const AWAY = {
  'answers 503': async () => new Response('{"code":"unavailable","status":503}', { status: 503 }),
  'refuses connections': async () => {
    throw new TypeError('fetch failed')
  },
}

test.each(Object.entries(AWAY))(
  'a page that polls is right within 8 s after a server that %s',
  async (_, away) => {
    const { advance, server, asked, editor, close } = openPage()
    await advance(30_000)
    expect(editor.get().record?.version).toBe(1)
    const calm = asked.filter(({ path }) => path.endsWith('/versions')).length
    expect(calm).toBeLessThanOrEqual(6)
    for (const outageMs of [3_000, 11_000, 61_000]) {
      server.away = away
      const begun = asked.length
      await advance(outageMs)
      // Not more often than every 1.5 s, and every 3 s in the long run.
      expect(asked.length - begun).toBeLessThanOrEqual(3 + outageMs / 2_500)
      server.away = null
      server.version += 1
      await advance(8_000)
      expect(editor.get().record?.version).toBe(server.version)
      await advance(60_000)
    }
    const begun = asked.length
    await advance(60_000)
    expect(asked.length - begun).toBeLessThanOrEqual(13)
    close()
  },
)

test('what nobody noticed between two polls is shown within 6.5 s, at whatever moment it came', async () => {
  const { advance, server, editor, close } = openPage()
  await advance(30_000)
  for (let phaseMs = 250; phaseMs <= 5_250; phaseMs += 500) {
    await advance(phaseMs)
    server.version += 1
    await advance(6_500)
    expect([phaseMs, editor.get().record?.version]).toEqual([phaseMs, server.version])
  }
  close()
})

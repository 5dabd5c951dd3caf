// What a developer reads on the console: once, in development alone, and never in what is built for production.
import { fileURLToPath } from 'node:url'
import { build, type Rolldown } from 'vite'
import { afterAll, afterEach, expect, test, vi } from 'vitest'
import { browserPage, systemClock } from '../../../../web/client/base/clock.ts'
import { bestTransportOf } from '../../../../web/client/transport/transports.ts'
import { warn } from '../../../../web/client/words/development.ts'
import { say, type Warning } from '../../../../web/client/words/warnings.ts'

const OPTIONS: Parameters<typeof bestTransportOf>[1] = {
  ...{
    url: 'http://127.0.0.1:1/api/v1',
    fetch,
    credentials: 'include',
    clock: systemClock,
    page: browserPage(),
  },
  ...{ tabId: 'tab', token: () => null, person: { id: () => null, isNamed: () => false } },
}

const said = vi.fn()
vi.spyOn(console, 'warn').mockImplementation(said)
afterAll(() => void vi.restoreAllMocks())
afterEach(() => {
  said.mockClear()
  vi.unstubAllEnvs()
})

test('each warning is said once, with what to look at', () => {
  const refused: Warning = {
    kind: 'socket',
    path: '/socket.io',
    code: 'cross_origin',
    detail: 'The page is of a.',
  }
  const warnings: [Warning, RegExp][] = [
    [
      refused,
      /refused the socket at \/socket\.io: cross_origin\. The page is of a\. See .*troubleshooting\.md/,
    ],
    [
      { kind: 'socket', path: '/live' },
      /No socket at \/live.*records\.attach\(server\).*changeOrigin: false/,
    ],
    [{ kind: 'list', type: 'boat', scope: {}, code: 'not_found' }, /“boat” is not watched.*declared/],
    [
      { kind: 'list', type: 'boat', scope: { port: '1' }, code: 'malformed' },
      /\{"port":"1"\}.*`lists` of trackTable/,
    ],
    [{ kind: 'record', type: 'boat', code: 'not_found' }, /A record of “boat” is not watched/],
    [{ kind: 'input', name: 'due' }, /input of “due” is read-only.*datetime-local/],
    [{ kind: 'code', cause: 'no "fs"' }, /code of a live connection .*no "fs".*socket\.io-client/],
  ]
  for (const [warning] of [...warnings, ...warnings]) say(warning)
  expect(said.mock.calls).toEqual(warnings.map(([, sentence]) => [expect.stringMatching(sentence)]))
})

test('nothing is said in production and in tests', async () => {
  for (const mode of ['production', 'test']) {
    vi.stubEnv('NODE_ENV', mode)
    warn({ kind: 'record', type: mode, code: 'not_found' })
  }
  vi.stubEnv('NODE_ENV', 'development')
  warn({ kind: 'record', type: 'shown', code: 'not_found' })
  await vi.waitUntil(() => said.mock.calls.length > 0, 60_000)
  expect(said.mock.calls).toEqual([[expect.stringContaining('“shown”')]])
})

test('a transport whose code can’t be loaded says why, and counts as lost', async () => {
  vi.stubEnv('NODE_ENV', 'development')
  vi.doMock('../../../../web/client/transport/socket.ts', () => {
    throw new TypeError('Failed to resolve "fs"')
  })
  const statuses: string[] = []
  const made = bestTransportOf(
    { transports: ['websocket'] },
    OPTIONS,
  )({ onStatus: (status) => void statuses.push(status), onEvent: () => {} })
  made.connect()
  await vi.waitUntil(() => said.mock.calls.length > 0, 60_000)
  made.close()
  expect(said.mock.calls).toEqual([[expect.stringContaining('The code of a live connection')]])
  expect(statuses[0]).toBe('lost')
})

test('a page that is built for production has none of the words', async () => {
  const textFor = async (mode: string) => {
    const entry = fileURLToPath(new URL('../../../../web/client/words/development.ts', import.meta.url))
    const built = await build({
      configFile: false,
      logLevel: 'silent',
      define: { 'process.env.NODE_ENV': JSON.stringify(mode) },
      build: { write: false, minify: true, lib: { entry, formats: ['es'] } },
    })
    const { output } = [built].flat()[0] as Rolldown.RolldownOutput
    return output.map((file) => (file.type === 'chunk' ? file.code : '')).join('\n')
  }
  expect(await textFor('development')).toContain('records.attach(server)')
  expect(await textFor('production')).not.toContain('records.attach(server)')
})

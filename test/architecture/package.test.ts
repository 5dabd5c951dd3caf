// What npm would publish: the doors resolve for types and for code, nothing of the demo goes along, and the client is small.
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { build, type Rolldown } from 'vite'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { root } from './sources.ts'

const run = promisify(execFile)

/**
 * What a page loads of `noclobber/client`, minified and gzipped: without socket.io-client, without followChanges,
 * and without what is loaded on use (the text diff, an import's file). Editors with merging and resolving, live lists and
 * the wires with their fallbacks are in it; so are the guards that keep one person's page from the next, and a page from odd
 * messages (2.6 kB), the parser of event streams (1.5 kB), and the caches that hold no store without a subscriber.
 */
const CLIENT_BUDGET_BYTES = 36_000

let dir: string
let tarball: string
let packed: string[]
let manifest: { exports: Record<string, unknown> }

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'noclobber-pack-'))
  await run(process.execPath, ['scripts/build.js'], { cwd: root })
  const { stdout } = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', dir], {
    cwd: root,
  })
  const [made] = JSON.parse(stdout) as { filename: string; files: { path: string }[] }[]
  if (made === undefined) throw new Error('npm pack made nothing')
  tarball = join(dir, made.filename)
  packed = made.files.map(({ path }) => path)
  manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
})

afterAll(() => rm(dir, { recursive: true, force: true }))

test('has exactly the doors that it promises, and no front door', () => {
  expect(Object.keys(manifest.exports)).toEqual([
    './server',
    './client',
    './react',
    './react-hook-form',
    './tanstack-query',
    './offline',
    './migrations',
    './styles.css',
    './package.json',
  ])
})

test('holds the doors, the licence and the README, and nothing of the demo, the tests or the sources', () => {
  const doors = Object.values(manifest.exports).flatMap((door) =>
    typeof door === 'string' ? door : Object.values(door as Record<string, string>),
  )
  const wanted = ['LICENSE', 'README.md', ...doors.map((file) => file.replace('./', ''))]
  expect(wanted.filter((path) => !packed.includes(path))).toEqual([])
  const foreign = packed.filter(
    (path) =>
      !/^(dist\/.*\.(js|d\.ts|css)|dist\/migrations\/.*\.sql|LICENSE|README\.md|package\.json)$/.test(path),
  )
  expect(foreign).toEqual([])
  expect(packed.filter((path) => /\/demo\/|\.test\./.test(path))).toEqual([])
})

test('publint finds nothing, strictly', async () => {
  const data = await readFile(tarball)
  const { messages, pkg } = await publint({
    strict: true,
    pack: { tarball: data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength) as ArrayBuffer },
  })
  expect(messages.map((message) => formatMessage(message, pkg))).toEqual([])
})

test('the types of every door resolve for ESM', async () => {
  const attw = ['node_modules/@arethetypeswrong/cli/dist/index.js', tarball, '--profile', 'esm-only']
  const { stdout } = await run(process.execPath, [...attw, '--exclude-entrypoints', './styles.css'], {
    cwd: root,
  })
  for (const door of [
    'server',
    'client',
    'react',
    'react-hook-form',
    'tanstack-query',
    'offline',
    'migrations',
  ])
    expect(stdout).toContain(`"noclobber/${door}"`)
})

test('the client keeps its budget', async () => {
  const { output } = (await build({
    configFile: false,
    logLevel: 'error',
    build: {
      write: false,
      minify: true,
      lib: { entry: join(root, 'dist/web/client/index.js'), formats: ['es'], fileName: 'client' },
      rolldownOptions: { external: ['socket.io-client', /follow-changes/] },
    },
  }).then((results) => [results].flat()[0])) as Rolldown.RolldownOutput
  const chunks = new Map(
    output.flatMap((file) => (file.type === 'chunk' ? [[file.fileName, file] as const] : [])),
  )
  const first = new Set([...chunks.values()].filter(({ isEntry }) => isEntry))
  for (const { imports } of first)
    for (const name of imports) {
      const chunk = chunks.get(name)
      if (chunk) first.add(chunk)
    }
  const bytes = [...first].reduce((sum, { code }) => sum + gzipSync(code).length, 0)
  expect(bytes).toBeGreaterThan(1_000)
  expect(bytes).toBeLessThanOrEqual(CLIENT_BUDGET_BYTES)
})

// What npm would publish: the doors resolve for types and for code, nothing of the demo goes along, and the client is small.
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { build, type Rolldown } from 'vite'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { bundlePage, gzipped, PAGES } from '../../scripts/bytes/pages.js'
import { buildPackage } from '../support/built.ts'
import { waitFor } from '../support/wait-for.ts'
import { root } from './sources.ts'

const run = promisify(execFile)

/** Of the whole package; a third of it are documents and the types of two kinds of modules. */
const MOST_BYTES = { packed: 1_620_000, unpacked: 6_800_000 }

/** The files behind a door, whatever its conditions. */
const filesOf = (door: unknown): string[] =>
  typeof door === 'string' ? [door] : Object.values(door as object).flatMap(filesOf)

let dir: string
let tarball: string
let packed: string[]
let unpackedSize: number
let manifest: { exports: Record<string, unknown> }

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'noclobber-pack-'))
  await buildPackage()
  const { stdout } = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', dir], {
    cwd: root,
  })
  const [made] = JSON.parse(stdout) as { filename: string; unpackedSize: number; files: { path: string }[] }[]
  if (made === undefined) throw new Error('npm pack made nothing')
  tarball = join(dir, made.filename)
  packed = made.files.map(({ path }) => path)
  unpackedSize = made.unpackedSize
  manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
})

afterAll(() => rm(dir, { recursive: true, force: true }))

test('has exactly the doors that it promises, and no front door', () => {
  expect(Object.keys(manifest.exports)).toEqual([
    './server',
    './client',
    './react',
    './history',
    './dom',
    './react-hook-form',
    './tanstack-query',
    './offline',
    './devtools',
    './mcp',
    './testing',
    './migrations',
    './styles.css',
    './unlayered.css',
    './history.css',
    './history-unlayered.css',
    './package.json',
  ])
})

test('a release would publish both packages as they were packed, from this repository, within the budget', {
  tags: 'full',
}, async () => {
  // Nothing is sent: a registry that nobody serves is enough.
  const env = {
    ...{ ...process.env, npm_config_registry: 'http://127.0.0.1:1', npm_config_fetch_retries: '0' },
    GITHUB_REPOSITORY: 'acme/noclobber',
    GITHUB_REF_NAME: '',
  }
  const release = (...args: string[]) =>
    run(process.execPath, ['scripts/release.js', ...args], { cwd: root, env })
  const { stdout } = await release('--dry-run')
  const lines = stdout.trim().split('\n')
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  const from = 'would be published from git+https://github.com/acme/noclobber.git'
  expect(lines).toEqual([
    expect.stringContaining(`noclobber@${version}: ${from}, ${packed.length} files,`),
    expect.stringMatching(new RegExp(`^create-noclobber@${version}: would be published .* 4 files,`)),
  ])
  expect(Number(/(\d+) bytes$/.exec(lines[0] ?? '')?.[1])).toBeLessThan(MOST_BYTES.packed)
  expect(unpackedSize).toBeLessThan(MOST_BYTES.unpacked)
  env.GITHUB_REF_NAME = 'v0.0.1'
  await expect(release()).rejects.toMatchObject({ stderr: expect.stringContaining('The tag v0.0.1') })
})

test('holds the doors, the licence and the README, and nothing of the demo, the tests or the sources', () => {
  const doors = Object.values(manifest.exports).flatMap(filesOf)
  const wanted = [
    'LICENSE',
    'README.md',
    'CHANGELOG.md',
    'SECURITY.md',
    'docs/troubleshooting.md',
    ...doors.map((file) => file.replace('./', '')),
  ]
  expect(wanted.filter((path) => !packed.includes(path))).toEqual([])
  const foreign = packed.filter(
    (path) =>
      !/^(dist\/.*\.(js|d\.ts|css)|dist\/(cjs\/)?migrations\/.*\.sql|dist\/cjs\/package\.json|docs\/.*\.(md|png|sql|tsx?|jsx?|json|html|py)|LICENSE|(README|CHANGELOG|SECURITY)\.md|package\.json)$/.test(
        path,
      ),
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

test('the types of every door resolve for node10, node16 from both kinds of modules, and bundlers', {
  tags: 'full',
}, async () => {
  const sheets = Object.keys(manifest.exports).filter((door) => door.endsWith('.css'))
  const attw = ['node_modules/@arethetypeswrong/cli/dist/index.js', tarball]
  const { stdout } = await run(process.execPath, [...attw, '--exclude-entrypoints', ...sheets], {
    cwd: root,
  })
  for (const door of [
    'server',
    'client',
    'react',
    'history',
    'dom',
    'react-hook-form',
    'tanstack-query',
    'offline',
    'devtools',
    'mcp',
    'testing',
    'migrations',
  ])
    expect(stdout).toContain(`"noclobber/${door}"`)
})

test('its types have nothing to say where optional packages are missing, without skipLibCheck too', async () => {
  const place = await mkdtemp(join(dir, 'types-'))
  const modules = join(place, 'node_modules')
  await mkdir(join(modules, 'noclobber'), { recursive: true })
  await run('tar', ['-xzf', tarball, '--strip-components=1', '-C', join(modules, 'noclobber')])
  const { dependencies } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  for (const name of [
    ...Object.keys(dependencies),
    '@types/node',
    'undici-types',
    '@types/react',
    'csstype',
    'react',
  ]) {
    await mkdir(dirname(join(modules, name)), { recursive: true })
    // Real folders, or TypeScript would look for what these import in this tree.
    await run('cp', ['-r', join(root, 'node_modules', name), join(modules, name)])
  }
  await writeFile(
    join(place, 'app.ts'),
    ['server', 'migrations', 'client', 'react', 'history', 'dom', 'offline', 'devtools', 'testing']
      .map((door, at) => `import * as door${at} from 'noclobber/${door}'\nexport { door${at} }\n`)
      .join(''),
  )
  const named = ['-rlE', `from '\\.[^']*\\.tsx?'`, join(modules, 'noclobber/dist')]
  const { stdout: sources } = await run('grep', named).catch((error) => error)
  expect(sources, 'before TypeScript 5 these are errors').toBe('')
  const options = [
    '--noEmit',
    '--strict',
    '--types',
    'node',
    '--target',
    'es2022',
    '--lib',
    'es2023,dom,dom.iterable',
  ]
  const resolving = ['--module', 'esnext', '--moduleResolution', 'bundler', '--skipLibCheck', 'false']
  const { stdout } = await run(join(root, 'node_modules/.bin/tsc'), [...options, ...resolving, 'app.ts'], {
    cwd: place,
  }).catch((error) => error)
  expect(stdout.split('\n').filter((line: string) => /noclobber/.test(line))).toEqual([])
})

test('every door is CommonJS too, where Node can’t require a module, with the same names', async () => {
  const doors = Object.keys(manifest.exports)
    .filter((name) => !/\.\w+$/.test(name.slice(1)))
    .map((door) => `noclobber/${door.slice(2)}`)
  expect(doors.length).toBeGreaterThan(10)
  const printing = (
    load: string,
  ) => `const namesOf = (m) => Object.keys(m).filter((name) => name !== '__esModule').sort()
    const found = {}
    for (const name of ${JSON.stringify(doors)}) found[name] = namesOf(${load}(name))
    console.log(JSON.stringify(found))`
  const [required, imported] = await Promise.all(
    [
      ['--no-experimental-require-module', '-e', printing('require')],
      ['--input-type=module', '-e', printing('await import')],
    ].map((options) => run(process.execPath, options, { cwd: root })),
  )
  expect(JSON.parse(required?.stdout ?? '')).toEqual(JSON.parse(imported?.stdout ?? '{}'))
})

test('the doors for React say that they are for the browser, the others may be used on a server', async () => {
  const isForBrowser = async (door: string) => {
    const text = await readFile(join(root, `dist/web/${door}/index.js`), 'utf8')
    return /^(\/\/.*\n)*'use client'/.test(text)
  }
  expect(await Promise.all(['react', 'react/history', 'react-hook-form'].map(isForBrowser))).toEqual([
    true,
    true,
    true,
  ])
  expect(await Promise.all(['client', 'tanstack-query', 'client/offline'].map(isForBrowser))).toEqual([
    false,
    false,
    false,
  ])
})

/** A bundle's entry with this code. */
const entryOf = (code: string) => ({
  name: 'entry',
  resolveId: (id: string) => (id === join(root, 'entry') ? '\0entry' : null),
  load: (id: string) => (id === '\0entry' ? code : null),
})

describe.for(Object.entries(PAGES))('%s', ([name, { budget, code }]) => {
  let first: Awaited<ReturnType<typeof bundlePage>>['first']
  beforeAll(async () => {
    first = (await bundlePage(code)).first
  })

  test('keeps its budget, and loads the rest on use', () => {
    const modules = first.flatMap((chunk) => Object.keys(chunk.modules))
    expect(gzipped(first), name).toBeGreaterThan(5_000)
    expect(gzipped(first), name).toBeLessThanOrEqual(budget)
    expect(
      modules.filter((id) =>
        /socket\.io-client|eventsource-parser|\/diff\/|import-file|list\/store|transport\/socket/.test(id),
      ),
    ).toEqual([])
  })

  test('loads nothing of histories, proposals and undoing but the names of their functions', () => {
    const modules = first.flatMap((chunk) =>
      Object.keys(chunk.modules).map((id) => id.replace(/.*\/web\//, '')),
    )
    expect(modules.filter((id) => /\bhistory\/|review|propos|suggest|undo|deleted/i.test(id))).toEqual([
      'client/history/lazy-reviews.js',
    ])
    const own = first
      .flatMap((chunk) => Object.entries(chunk.modules))
      .find(([id]) => id.endsWith('lazy-reviews.js'))
    expect(own?.[1].code?.length, name).toBeLessThan(1_000)
  })
})

test('the server’s door and the migrations’ reach nothing of agents and their SDK', async () => {
  const reached = new Set<string>()
  const packages = new Set<string>()
  const visit = async (file: string): Promise<void> => {
    if (reached.has(file)) return
    reached.add(file)
    const text = await readFile(file, 'utf8')
    for (const [, from = ''] of text.matchAll(/(?:from|import)\s*\(?\s*['"]([^'"]+)['"]/g))
      if (from.startsWith('.')) await visit(join(dirname(file), from))
      else packages.add(from)
  }
  for (const door of ['server', 'migrations']) await visit(join(root, `dist/${door}/index.js`))
  expect(reached.size).toBeGreaterThan(100)
  expect([...reached].filter((file) => file.includes('/mcp/'))).toEqual([])
  expect([...packages].filter((name) => name.includes('modelcontextprotocol'))).toEqual([])
})

test('the devtools are absent from what is built for production', async () => {
  const code = `import { createRecordClient } from 'noclobber/client'; import { withDevtools } from 'noclobber/devtools'
    export const client = withDevtools(createRecordClient, {})`
  const built = await build({
    ...{ configFile: false, logLevel: 'silent', root, mode: 'production' },
    define: { 'process.env.NODE_ENV': '"production"' },
    plugins: [entryOf(code)],
    resolve: {
      alias: {
        'noclobber/client': join(root, 'dist/web/client/index.js'),
        'noclobber/devtools': join(root, 'dist/web/devtools/index.js'),
      },
    },
    build: { write: false, lib: { entry: 'entry', formats: ['es'] } },
  })
  const { output } = [built].flat()[0] as Rolldown.RolldownOutput
  const modules = output.flatMap((file) => (file.type === 'chunk' ? Object.keys(file.modules) : []))
  expect(modules.some((id) => id.includes('/record-client.js'))).toBe(true)
  const used = output.flatMap((file) =>
    file.type === 'chunk'
      ? Object.entries(file.modules).flatMap(([id, { code: left }]) =>
          /devtools/.test(id) && left ? [`${id}: ${left.length}`] : [],
        )
      : [],
  )
  expect(used.filter((one) => !/devtools\/index\.js/.test(one))).toEqual([])
})

test('what `npm create noclobber` makes runs on the packages as they would be installed, with its own database', {
  tags: 'full',
}, async () => {
  const place = await mkdtemp(join(dir, 'new-'))
  const folder = join(place, 'my-app')
  const modules = join(place, 'node_modules')
  await mkdir(join(modules, 'noclobber'), { recursive: true })
  await run('tar', ['-xzf', tarball, '--strip-components=1', '-C', join(modules, 'noclobber')])
  // What a registry would bring is here already.
  const { dependencies } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  await symlink(join(root, 'node_modules/pg'), join(modules, 'pg'))
  await symlink(join(root, 'node_modules/knex'), join(modules, 'knex'))
  for (const name of Object.keys(dependencies)) {
    await mkdir(dirname(join(modules, name)), { recursive: true })
    await symlink(join(root, 'node_modules', name), join(modules, name))
  }
  const pack = ['pack', join(root, 'deploy/create-noclobber'), '--json', '--pack-destination', dir]
  const [creator] = JSON.parse((await run('npm', pack)).stdout) as {
    filename: string
    files: { path: string }[]
  }[]
  expect(creator?.files.map(({ path }) => path)).toEqual(['LICENSE', 'README.md', 'main.js', 'package.json'])
  await mkdir(join(modules, 'create-noclobber'))
  const archive = join(dir, creator?.filename ?? '')
  await run('tar', ['-xzf', archive, '--strip-components=1', '-C', join(modules, 'create-noclobber')])
  await mkdir(join(modules, '.bin'))
  await symlink('../create-noclobber/main.js', join(modules, '.bin/create-noclobber'))
  const create = (...given: string[]) =>
    run('npm', ['create', '--offline', 'noclobber', ...given], { cwd: place })
  await expect(create()).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringContaining('npm create noclobber my-app'),
  })
  await create('my-app')
  const own = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
  expect(own.name).toBe('my-app')
  for (const name of Object.keys({ ...own.dependencies, ...own.devDependencies })) {
    if (name in dependencies || /^(noclobber|pg|knex)$/.test(name)) continue
    await mkdir(dirname(join(modules, name)), { recursive: true })
    await symlink(join(root, 'node_modules', name), join(modules, name))
  }
  const { stdout: types } = await run(join(root, 'node_modules/.bin/tsc'), [], { cwd: folder }).catch(
    (error) => error,
  )
  expect(types).toBe('')
  const { DATABASE_URL: _, ...environment } = process.env
  const child = spawn(process.execPath, ['start.js'], {
    cwd: folder,
    env: { ...environment, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  // Before its folder goes: Vite would begin anew without its configuration.
  onTestFinished(async () => {
    if (child.exitCode !== null) return
    child.kill('SIGTERM')
    await once(child, 'close')
  })
  const lines: string[] = []
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line))
  const address = () => lines.find((line) => line.startsWith('http'))
  const what = () => `an address, after ${lines.join(' | ')}`
  const { port } = new URL(await waitFor(address, { what, deadlineMs: 90_000 }))
  const save = async (name: string, version: number, status: string) => {
    const response = await fetch(`http://127.0.0.1:${port}/api/v1/records/project/1`, {
      method: 'PATCH',
      headers: { authorization: `Bearer ${name}`, 'content-type': 'application/json' },
      body: JSON.stringify({ client_version: version, changes: { status } }),
    })
    const { data, detail } = (await response.json()) as { data?: { version: number }; detail?: string }
    return [response.status, data?.version ?? detail]
  }
  expect(await save('bob', 1, 'active')).toEqual([200, 2])
  expect(await save('alice', 1, 'done')).toEqual([
    409,
    'bob saved version 2 while you were editing version 1.',
  ])
  const page = await fetch(`http://127.0.0.1:${port}/?name=alice`)
  expect(await page.text()).toContain('src="/page.tsx"')
  expect((await fetch(`http://127.0.0.1:${port}/page.tsx`)).status).toBe(200)
  // Vite's own socket is on the app's port: a page that can't reach it reports an error on each load.
  const upgrade = request({
    port,
    headers: {
      ...{ connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13' },
      ...{ 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==', 'sec-websocket-protocol': 'vite-ping' },
    },
  }).end()
  const [answer, socket] = await once(upgrade, 'upgrade')
  expect(answer.statusCode).toBe(101)
  socket.destroy()
})

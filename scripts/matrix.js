// `npm run matrix`: Express 4 and 5, React 18 and 19, Knex 2, 3 and none, CommonJS and ESM; Nest with controllers; Jest 29 and mocha; Bun and Deno; the apps
// of docs/examples. Each cell is scripts/matrix/app.js beside the
// package as npm would publish it, with the versions named below, installed into a temporary folder. Needs a built tree and a registry.
// `--here`: two cells with what is installed in this tree, without a registry. `--only=runners,examples`: these parts of cells, hosts,
// runners, runtimes, examples. DATABASE_URL: a superuser's; else one from npm.
import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { copyFile, cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const root = fileURLToPath(new URL('..', import.meta.url))
const isHere = process.argv.includes('--here')
const only = process.argv
  .find((argument) => argument.startsWith('--only='))
  ?.slice(7)
  .split(',')

/** The lowest and the highest version of each that is supported. */
const EXPRESS = { 4: '4.18.0', 5: '^5.0.0' }
const REACT = { 18: '18.2.0', 19: '^19.0.0' }
const KNEX = { 2: '2.5.0', 3: '^3.1.0', none: null }
const BESIDE = { happy: ['happy-dom', '^20.0.0'], zod: ['zod', '^4.0.0'] }
/** The frameworks of docs/stacks.md. */
const HOSTS = {
  express: '^5.0.0',
  fastify: '^5.0.0',
  koa: '^3.0.0',
  hono: '^4.0.0',
  '@hono/node-server': '^1.0.0',
  '@nestjs/core': '^11.0.0',
  '@nestjs/common': '^11.0.0',
  '@nestjs/platform-express': '^11.0.0',
  'reflect-metadata': '^0.2.0',
  rxjs: '^7.0.0',
  // For the app with controllers, of docs/frameworks.md: Nest's decorators need a compiler that knows theirs.
  typescript: '~5.9.0',
  '@types/node': '^20.0.0',
  '@types/pg': '^8.0.0',
}
/** Each runs scripts/matrix/runner.spec.cjs. */
const RUNNERS = {
  'Jest 29': {
    install: ['jest', '29.0.0'],
    args: [
      'node_modules/jest/bin/jest.js',
      '--ci',
      '--testTimeout=60000',
      '--config',
      '{"transform":{},"testMatch":["**/*.spec.cjs"],"haste":{"forceNodeFilesystemAPI":true}}',
    ],
  },
  mocha: {
    install: ['mocha', '^11.0.0'],
    args: ['node_modules/mocha/bin/mocha.js', '--timeout', '60000', 'runner.spec.cjs'],
  },
}
/** Each runs scripts/matrix/app.js, from a package of npm that has the program. */
const RUNTIMES = {
  Bun: { install: ['bun', '^1.4.0'], args: ['node_modules/.bin/bun'] },
  Deno: { install: ['deno', '^2.9.0'], args: ['node_modules/.bin/deno', 'run', '-A'] },
}
/** The lowest pg goes with the lowest Knex. */
const PG = { 2: '8.11.0', 3: '^8.16.0', none: '8.11.0' }
/** For one app; a machine may be busy. */
const MOST_MS = 240_000
/** Characters of each failure that are shown. */
const SHOWN = 2_000
const MODULES = { CommonJS: 'cjs', ESM: 'mjs' }

const { default: pg } = await import('pg')
const { startEmbeddedPostgres } = await import('../dist/server/index.js')

const dir = await mkdtemp(join(tmpdir(), 'noclobber-matrix-'))
const postgres = process.env.DATABASE_URL
  ? { url: process.env.DATABASE_URL, stop: async () => {} }
  : await startEmbeddedPostgres({ dataDir: join(dir, 'postgres'), durable: false })
const source = await readFile(join(root, 'scripts/matrix/app.js'), 'utf8')
const failures = []
try {
  const parts = isHere
    ? { cells: tryHere, hosts: tryHosts, runners: tryRunners }
    : { cells: tryAll, hosts: tryHosts, runners: tryRunners, runtimes: tryRuntimes, examples: tryExamples }
  const unknown = only?.filter((name) => !(name in parts)) ?? []
  if (unknown.length > 0) throw new Error(`No part ${unknown}: ${Object.keys(parts).join(', ')}.`)
  for (const [name, tryPart] of Object.entries(parts)) if (!only || only.includes(name)) await tryPart()
} finally {
  await postgres.stop()
  await rm(dir, { recursive: true, force: true })
}
for (const failure of failures) console.error(`\n${failure}`)
process.exitCode = failures.length > 0 ? 1 : 0

/** What is installed here: Express 4 without Knex as CommonJS, Express 5 with Knex 3 as ESM. */
async function tryHere() {
  const names = ['react', 'react-dom', 'happy-dom', 'zod', 'pg', 'knex']
  for (const [express, from, knex, kind] of [
    ['4', 'express4', 'none', 'CommonJS'],
    ['5', 'express', '3', 'ESM'],
  ]) {
    const folder = join(dir, `here-${express}`)
    const links = [...names.map((name) => [name, name]), ['express', from]]
    for (const [name, target] of links) await link(join(root, 'node_modules', target), folder, name)
    await link(root, folder, 'noclobber')
    report([`Express ${express}`, 'React 19', `Knex ${knex}`, kind], await cell(folder, knex, kind))
  }
}

/** The servers of docs/stacks.md, as they stand there; those of frameworks that aren't installed here only in the whole matrix. */
async function tryHosts() {
  const guide = await readFile(join(root, 'docs/stacks.md'), 'utf8')
  const blocks = [...guide.matchAll(/```js\n\/\/ (\w+)\.js\b.*?\n```/gs)].map(([block, name]) => ({
    name,
    code: block.replace(/^```js\n/, '').replace(/```$/, ''),
  }))
  const folder = join(dir, 'hosts')
  if (isHere) {
    for (const name of ['express', 'pg', 'zod']) await link(join(root, 'node_modules', name), folder, name)
    await link(root, folder, 'noclobber')
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
  } else {
    const packed = { noclobber: `file:${join(dir, await tarball())}` }
    await installIn(folder, { ...packed, ...HOSTS, pg: PG[3], zod: BESIDE.zod[1] })
  }
  await copyFile(join(root, 'scripts/matrix/records.js'), join(folder, 'records.js'))
  await copyFile(join(root, 'scripts/matrix/try-host.js'), join(folder, 'try-host.js'))
  for (const { name, code } of blocks) {
    if (isHere && !['node', 'express'].includes(name)) continue
    await writeFile(join(folder, `${name}.js`), code)
    report([name], await host(folder, name))
  }
  if (!isHere) report(['Nest', 'controllers'], await nestApp(folder))
}

/** The app of docs/frameworks.md, as it stands there: a guard, a pipe and a save of a controller, beside the routes. */
async function nestApp(folder) {
  const guide = await readFile(join(root, 'docs/frameworks.md'), 'utf8')
  const [, code] = /```typescript\n(\/\/ main\.ts\n.*?)```/s.exec(guide)
  await writeFile(join(folder, 'main.ts'), code)
  await writeFile(
    join(folder, 'records.d.ts'),
    `export const records: import('noclobber/server').RecordServer
export const sessionOf: (request: import('node:http').IncomingMessage) => Promise<import('noclobber/server').Actor | null>`,
  )
  await copyFile(join(root, 'scripts/matrix/try-controllers.js'), join(folder, 'try-controllers.js'))
  const options = [
    '--module',
    'nodenext',
    '--target',
    'es2023',
    '--strict',
    '--skipLibCheck',
    '--types',
    'node',
  ]
  const decorators = ['--experimentalDecorators', '--emitDecoratorMetadata']
  try {
    await run(
      process.execPath,
      ['node_modules/typescript/lib/tsc.js', ...options, ...decorators, 'main.ts'],
      {
        cwd: folder,
      },
    )
  } catch (error) {
    return new Error(error.stdout)
  }
  return host(folder, 'main', 'try-controllers.js')
}

async function tryRunners() {
  const folder = join(dir, 'runners')
  if (isHere) {
    for (const name of ['jest', 'mocha', 'pg', 'zod'])
      await link(join(root, 'node_modules', name), folder, name)
    await link(root, folder, 'noclobber')
    await writeFile(join(folder, 'package.json'), '{ "private": true }')
  } else {
    const runners = Object.fromEntries(Object.values(RUNNERS).map(({ install }) => install))
    const packed = { noclobber: `file:${join(dir, await tarball())}` }
    await installIn(folder, { ...packed, ...runners, pg: PG[3], zod: BESIDE.zod[1] })
  }
  await copyFile(join(root, 'scripts/matrix/runner.spec.cjs'), join(folder, 'runner.spec.cjs'))
  for (const [name, { args }] of Object.entries(RUNNERS)) {
    const database = await createDatabase()
    const env = { ...process.env, DATABASE_URL: database.url }
    const tried = run(process.execPath, args, { cwd: folder, env, timeout: MOST_MS })
    report([name], await tried.then(() => null).catch((error) => error))
    await database.drop()
  }
}

async function tryRuntimes() {
  const packed = join(dir, await tarball())
  for (const [name, { install: wanted, args }] of Object.entries(RUNTIMES)) {
    const folder = join(dir, name)
    const installed = await install(folder, packed, { express: 5, react: 19, knex: 3 }, [wanted]).catch(
      (error) => error,
    )
    report([name], installed ?? (await cell(folder, '3', 'ESM', args)))
  }
}

/** The folders of docs/examples, with the versions that they name. */
async function tryExamples() {
  const packed = join(dir, await tarball())
  const entries = await readdir(join(root, 'docs/examples'), { withFileTypes: true })
  for (const { name } of entries.filter((entry) => entry.isDirectory())) {
    const folder = join(dir, name)
    await cp(join(root, 'docs/examples', name), folder, { recursive: true })
    await copyFile(join(root, 'scripts/matrix/try-example.js'), join(folder, 'try-example.mjs'))
    const options = ['--no-audit', '--no-fund', '--prefer-offline', '--strict-peer-deps']
    const refused = await run('npm', ['install', ...options, packed], { cwd: folder }).then(
      () => null,
      (error) => error,
    )
    report(['example', name], refused ?? (await host(folder, name, 'try-example.mjs')))
  }
}

/** `null`, or why this server doesn't serve. */
async function host(folder, name, program = 'try-host.js') {
  const database = await createDatabase()
  const env = { ...process.env, DATABASE_URL: database.url, HOST_FILE: `./${name}.js`, PORT: '0' }
  try {
    await run(process.execPath, [program], { cwd: folder, env, timeout: MOST_MS })
    return null
  } catch (error) {
    return error
  } finally {
    await database.drop()
  }
}

async function createDatabase() {
  const name = `noclobber_matrix_${randomUUID().replaceAll('-', '')}`
  const admin = new pg.Client(postgres.url)
  await admin.connect()
  await admin.query(`create database ${name}`)
  const url = new URL(postgres.url)
  url.pathname = `/${name}`
  const drop = async () => {
    await admin.query(`drop database ${name} with (force)`)
    await admin.end()
  }
  return { url: url.href, drop }
}

async function tryAll() {
  const packed = join(dir, await tarball())
  for (const express of Object.keys(EXPRESS))
    for (const react of Object.keys(REACT))
      for (const knex of Object.keys(KNEX)) {
        const named = [`Express ${express}`, `React ${react}`, `Knex ${knex}`]
        const folder = join(dir, named.join('-').replaceAll(' ', ''))
        const installed = await install(folder, packed, { express, react, knex }).catch((error) => error)
        for (const kind of Object.keys(MODULES))
          report([...named, kind], installed ?? (await cell(folder, knex, kind)))
      }
}

/** What npm would publish; its name in `dir`. */
async function tarball() {
  const pack = ['pack', '--json', '--ignore-scripts', '--pack-destination', dir]
  const { stdout } = await run('npm', pack, { cwd: root })
  return JSON.parse(stdout)[0].filename
}

/** An error where npm refuses: a peer that is out of range does. */
async function install(folder, packed, { express, react, knex }, more = []) {
  const dependencies = {
    noclobber: `file:${packed}`,
    express: EXPRESS[express],
    react: REACT[react],
    'react-dom': REACT[react],
    pg: PG[knex],
    ...(KNEX[knex] ? { knex: KNEX[knex] } : {}),
    ...Object.fromEntries([...Object.values(BESIDE), ...more]),
  }
  await installIn(folder, dependencies)
}

async function installIn(folder, dependencies) {
  await mkdir(folder, { recursive: true })
  const type = folder.endsWith('hosts') ? 'module' : 'commonjs'
  await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true, type, dependencies }))
  const options = ['--no-audit', '--no-fund', '--prefer-offline', '--strict-peer-deps']
  await run('npm', ['install', ...options], { cwd: folder })
}

async function link(target, folder, name) {
  const path = join(folder, 'node_modules', name)
  await mkdir(dirname(path), { recursive: true })
  await symlink(target, path)
}

/** `null`, or why the cell isn't green. */
async function cell(folder, knex, kind, by = null) {
  const file = join(folder, `app.${MODULES[kind]}`)
  await writeFile(file, kind === 'ESM' ? source : asCommonJs(source))
  const database = await createDatabase()
  const env = { ...process.env, DATABASE_URL: database.url, WITH_KNEX: knex === 'none' ? '' : '1' }
  // As in Jest: what is required must be CommonJS.
  const flags = kind === 'CommonJS' ? ['--no-experimental-require-module'] : []
  try {
    const [program, ...args] = by ?? [process.execPath, ...flags]
    const { stdout } = await run(program, [...args, file], { cwd: folder, env, timeout: MOST_MS })
    const { saved, refused, received, bad } = JSON.parse(stdout.trim().split('\n').at(-1))
    const isGreen =
      saved === 'saved' &&
      refused === 409 &&
      received &&
      bad.every((status) => status === 400 || status === 422)
    return isGreen ? null : new Error(stdout)
  } catch (error) {
    return error
  } finally {
    await database.drop()
  }
}

function asCommonJs(text) {
  return text
    .replace(/^import \{([^}]*)\} from ('[^']*')$/gm, 'const {$1} = require($2)')
    .replace(/^import (\w+) from ('[^']*')$/gm, 'const $1 = require($2)')
    .replace(/const \{ default: (\w+) \} = await import\(('[^']*')\)/g, 'const $1 = require($2)')
    .replace(/await import\(('[^']*')\)/g, 'require($1)')
}

function report(names, failure) {
  console.log(`${failure ? 'FAILED' : 'ok    '}  ${names.map((name) => name.padEnd(11)).join(' ')}`)
  if (failure)
    failures.push(
      `${names.join(', ')}: ${String(failure.stderr || failure.stdout || failure.stack || failure).slice(0, SHOWN)}`,
    )
}

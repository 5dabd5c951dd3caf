// `noclobber init` in apps of different shapes: what it finds, what it writes, and that what it writes runs: the migration, the server,
// a save, a refusal. The printed lines are put where they are said to go, and nothing else is written by hand.
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { buildPackage } from '../../support/built.ts'
import { database, generate, POSTS, run, type Shape } from './generated-app.ts'

beforeAll(buildPackage)

/** The lines below one that is printed, as they are to be put into a file. */
const after = (out: string[], start: string) => {
  const at = out.findIndex((line) => line.trim().startsWith(start))
  const [first = '', ...rest] = out.slice(at)
  const below = rest.slice(
    0,
    rest.findIndex((line) => !line.startsWith('    ')),
  )
  return { first: first.trim(), below: below.map((line) => line.trim()) }
}

/** As its developer would: the printed lines into the server, and who signs in into the records' file. */
async function follow(folder: string, out: string[], server: string) {
  const { first, below } = after(out, 'Mount it in')
  expect(first).toContain(server)
  const code = below.map((line) => line.replace(/ {2,}\/\/.*/, ''))
  const source = await readFile(join(folder, server), 'utf8')
  const mounted = source
    .replace('// IMPORT', first.replace(/^Mount it in [^:]*: /, ''))
    .replace('/* MOUNT */', code[0] ?? '')
    .replace('/* ATTACH */', code[1] ?? '')
  await writeFile(join(folder, server), mounted)
  const path = join(dirname(join(folder, server)), 'noclobber-records.js')
  const text = await readFile(path, 'utf8')
  const signedIn = `const name = request.headers['x-test-person']
  return name ? { id: String(name), name: String(name), tenantId: '1' } : null`
  expect(text).toContain('  return null')
  await writeFile(path, text.replace('return null', signedIn))
}

async function start(folder: string, server: string, url: string): Promise<string> {
  const child = spawn(process.execPath, [server], {
    cwd: folder,
    env: { ...process.env, DATABASE_URL: url },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(async () => {
    if (child.exitCode === null) await Promise.all([once(child, 'exit'), child.kill()])
  })
  let said = ''
  child.stderr.on('data', (text) => {
    said += text
  })
  for await (const line of createInterface(child.stdout))
    if (/^\d+$/.test(line)) return `http://127.0.0.1:${line}/api/v1`
  throw new Error(said)
}

async function saveTwice(api: string, type: string, changes: object) {
  const ask = async (method: string, body?: object, headers: object = { 'x-test-person': 'ann' }) =>
    fetch(`${api}/records/${type}/1`, {
      method,
      headers: { 'content-type': 'application/json', ...headers },
      ...(body && { body: JSON.stringify(body) }),
    })
  expect((await ask('GET', undefined, {})).status).toBe(401)
  const { data } = (await (await ask('GET')).json()) as { data: { version: number; fields: object } }
  const body = { client_version: data.version, changes }
  const [saved, refused] = [
    await ask('PATCH', body),
    await ask('PATCH', { ...body, changes: { ...changes, note: 'x' } }),
  ]
  expect([saved.status, refused.status]).toEqual([200, 409])
  return data.fields
}

const expressServer = (head: string) => `${head}
// IMPORT
const app = express()
app.use((_request, _response, next) => migrated.then(() => next(), next))
/* MOUNT */
app.use(express.json())
const server = app.listen(0, '127.0.0.1', () => console.log(server.address().port))
/* ATTACH */
`

const SHAPES: Record<string, Shape & { server: string; folder: string }> = {
  'CommonJS, Express 4, Sequelize': {
    server: 'app.js',
    folder: 'migrations',
    manifest: { dependencies: { express: '^4.18.0', sequelize: '^6.0.0', pg: '^8.11.0' } },
    links: { express: 'express4', sequelize: 'sequelize', pg: 'pg' },
    files: {
      'migrations/20200101000000-posts.js': 'module.exports = { up: async () => {}, down: async () => {} }',
      'app.js': expressServer(`const express = require('express')
const { Sequelize } = require('sequelize')
const sequelize = new Sequelize(process.env.DATABASE_URL, { logging: false })
const migrated = (async () => {
  for (const file of require('fs').readdirSync('migrations').sort()) {
    const { up } = require('./migrations/' + file)
    // As sequelize-cli calls it, and as umzug does with either context.
    await up(sequelize.getQueryInterface(), Sequelize)
    for (const context of [sequelize, sequelize.getQueryInterface()]) await up({ context })
  }
})()`),
    },
  },
  'ES modules, Express 5, Knex with a folder of its own': {
    server: 'src/server.js',
    folder: 'db/steps',
    manifest: {
      type: 'module',
      dependencies: { express: '^5.0.0', knex: '^3.0.0', pg: '^8.11.0', react: '^19.0.0' },
    },
    links: { express: 'express', knex: 'knex', pg: 'pg' },
    files: {
      'knexfile.js': "export default { client: 'pg', migrations: { directory: './db/steps' } }",
      'db/steps/001_nothing.js': 'export const up = async () => {}\nexport const down = async () => {}',
      'src/server.js': expressServer(`import express from 'express'
import openKnex from 'knex'
const knex = openKnex({ client: 'pg', connection: process.env.DATABASE_URL })
const migrated = knex.migrate.latest({ directory: './db/steps' }).then(() => knex.destroy())`),
    },
  },
}

describe.for(Object.entries(SHAPES))('%s', ([, shape]) => {
  test('is found, set up by the printed lines, migrates, starts, saves and refuses; the doctor is content', async () => {
    const url = await database(POSTS)
    const cwd = await generate(shape)
    const dry = await run(cwd, ['init', '--dry-run'], { DATABASE_URL: url })
    expect([dry.code, await readdir(join(cwd, shape.folder))]).toEqual([0, [expect.anything()]])
    expect(dry.text).toContain('table posts: key id, tenant tenant_id, updatedAt updatedAt')
    expect(dry.text).toContain(`trackTable(`)
    expect(dry.text).not.toContain('password_hash')
    const { code, out, err } = await run(cwd, ['init', '--yes'], { DATABASE_URL: url })
    expect([code, err]).toEqual([0, []])
    await follow(cwd, out, shape.server)
    const api = await start(cwd, shape.server, url)
    await expect.poll(() => fetch(`${api}/records/post/1`).then(({ status }) => status)).toBe(401)
    expect(await saveTwice(api, 'post', { title: 'Tunnel' })).toEqual({
      title: 'Bridge',
      note: null,
      state: 'open',
    })
    expect((await run(cwd, ['doctor', '--tables', 'posts'], { DATABASE_URL: url })).code).toBe(0)
    const again = await run(cwd, ['init', '--tables', 'posts'], { DATABASE_URL: url })
    expect(again.code).toBe(1)
    expect(again.err.length).toBeGreaterThan(1)
    for (const line of again.err) expect(line).toContain('is there already, and nothing was written')
  })
})

test('without an ORM, as CommonJS on Node’s own http: a program migrates, secrets and odd columns stay out', async () => {
  const url = await database(`create type mood as enum ('glad', 'it''s so');
    create table "Boxes" (id bigint generated always as identity primary key, label text not null, mood mood not null default 'glad', note text,
      weight numeric, api_key text, version text, lock_version integer not null default 4, photo bytea);
    insert into "Boxes" (label) values ('Bridge')`)
  const cwd = await generate({
    manifest: { dependencies: { pg: '^8.11.0' } },
    links: { pg: 'pg' },
    files: {
      'index.js': `const { createServer } = require('http')
// IMPORT
const server = /* MOUNT */
/* ATTACH */
server.listen(0, '127.0.0.1', () => console.log(server.address().port))`,
    },
  })
  const { code, out, text } = await run(cwd, ['init', '--yes'], { DATABASE_URL: url })
  expect(code).toBe(0)
  expect(text).toContain('table Boxes: key id, version lock_version')
  expect(text).toContain('Left out by their names: api_key.')
  const program = await promisify(execFile)(process.execPath, ['noclobber-migrate.js'], {
    ...{ cwd, env: { ...process.env, DATABASE_URL: url } },
  })
  expect(program.stderr).toBe('')
  await follow(cwd, out, 'index.js')
  const api = await start(cwd, 'index.js', url)
  expect(await saveTwice(api, 'box', { label: 'Tunnel', mood: "it's so" })).toEqual({
    ...{ label: 'Bridge', mood: 'glad', note: null, weight: null },
  })
})

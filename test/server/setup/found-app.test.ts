// What `noclobber init` finds in apps of different shapes, what it says of them, and when it writes nothing.
import { execFile } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, expect, test } from 'vitest'
import { typeNameOf } from '../../../server/setup/records-text.ts'
import { buildPackage } from '../../support/built.ts'
import { database, generate, POSTS, run, type Shape } from './generated-app.ts'

beforeAll(buildPackage)

const TYPED: Shape = {
  manifest: {
    type: 'module',
    dependencies: { fastify: '^5.0.0', typeorm: '^1.0.0', pg: '^8.11.0', react: '^17.0.2' },
    devDependencies: { typescript: '^5.0.0' },
  },
  links: {},
  files: {
    'src/main.ts': `import Fastify from 'fastify'\nFastify().listen({ port: 3000 })`,
    'src/data.ts': 'export const source = { type: `postgres`, synchronize: true }',
    'src/migrations/1700000000000-Posts.ts': 'export class Posts1700000000000 {}',
  },
}

test('a database that can’t be reached is said, and no file is written that would lack the tables', async () => {
  const cwd = await generate(TYPED)
  const none = 'postgres://me:secret@127.0.0.1:1/none'
  const { code, err, text } = await run(cwd, ['init', '--yes', '--database', none])
  expect(code).toBe(1)
  expect(err.join('\n')).toMatch(/can't be reached.*Its tables are not looked at/s)
  expect(err.join('\n')).not.toContain('secret')
  expect(text).toContain('Name the database, for its tables')
  expect(await readdir(join(cwd, 'src'))).toEqual(['data.ts', 'main.ts', 'migrations'])
})

test('TypeORM, Fastify, TypeScript, React 17: the database is that of .env, and what has to be said is said', async () => {
  const url = await database(POSTS)
  const cwd = await generate({ ...TYPED, files: { ...TYPED.files, '.env': `DATABASE_URL="${url}"` } })
  const { code, err, text } = await run(cwd, ['init', '--yes'])
  expect([code, err]).toEqual([
    0,
    [expect.stringMatching(/^The database is DATABASE_URL of \.env: [\w.:]+\/\w+$/)],
  ])
  expect(await readdir(join(cwd, 'src/migrations'))).toEqual([
    '1700000000000-Posts.ts',
    expect.stringMatching(/^\d{13}-Noclobber\.ts$/),
  ])
  expect(await readdir(join(cwd, 'src'))).toContain('noclobber-records.ts')
  expect(text).toMatch(/export class Noclobber\d+ implements MigrationInterface/)
  for (const said of [
    'needs React 18.2 or later',
    'docs/stacks.md shows for Fastify',
    'npm install noclobber',
    'docs/stacks.md#typeorm',
    'src/data.ts: with synchronize, the entity needs the columns of tracking',
    'Nothing in your sources reads DATABASE_URL: give src/noclobber-records.ts what your app connects with',
  ])
    expect(text).toContain(said)
})

test('TypeORM’s migrations are where the app has them, run by its own script; settings and types that are missing are named', async () => {
  const url = await database(`${POSTS}; create table migrations (id serial primary key, name text)`)
  const { manifest, files, ...shape } = TYPED
  const cwd = await generate({
    ...shape,
    manifest: {
      ...manifest,
      dependencies: { express: '^4.1.0', typeorm: '^0.3.0', pg: '^8.1.0', dotenv: '^16.0.0' },
      scripts: {
        'db:create': 'typeorm migration:create',
        'db:up': 'npm run build && typeorm migration:run -d dist/db.js',
      },
    },
    files: {
      'src/app.ts': `import express from 'express'\nexpress().listen(1)`,
      'src/db/source.ts': 'export const source = new DataSource({ migrations: ["dist/db/migration/*.js"] })',
      'src/db/migration/1-A.ts': `export class A1 implements MigrationInterface { async up(queryRunner) {} }`,
    },
  })
  const { text } = await run(cwd, ['init', '--dry-run'], { DATABASE_URL: url })
  expect(text).toMatch(/^── src\/db\/migration\/\d+-Noclobber\.ts$/m)
  expect(text).toContain('Run: npm run db:up, after whatever compiles it\n')
  expect(text).toContain('Install: npm install -D @types/pg\n')
  expect(text).toContain(`\nimport 'dotenv/config'\n`)
  expect(text).not.toContain('table migrations')
})

test('no table is passed over without a word, and numbers that code counts up are asked about', async () => {
  const url = await database(`${POSTS};
    create table links (id serial primary key, target text not null, password text, visit_count integer not null default 0, page_count integer,
      date_created timestamptz not null default now(), date_modified timestamp not null default now());
    create table tags (post_id integer, label text, primary key (post_id, label));
    create table knex_migrations (id serial primary key, name text);
    do $$ begin for n in 1..12 loop execute format('create table audit_%s (id serial primary key, note text)', n); end loop; end $$`)
  const cwd = await generate(TYPED)
  const { text } = await run(cwd, ['init', '--dry-run'], { DATABASE_URL: url })
  expect(text.match(/^ {2}(table|and) .*/gm)).toEqual([
    '  table posts: key id, tenant tenant_id, updatedAt updatedAt',
    '  and 15 more tables',
  ])
  expect(text).toMatch(
    /Left out: (audit_\d+, ){12}users \(by its name\); links \(has a password\); tags \(a key of several columns\)\n/,
  )
  expect(text).toContain('\n    If people edit some of them, name those: npx noclobber init --tables links,…')
  const named = await run(cwd, ['init', '--dry-run', '--tables', 'links'], { DATABASE_URL: url })
  expect(named.text).not.toContain('Left out: links')
  expect(named.text).toContain('links: if your code counts visit_count up')
  expect(named.text).toContain("{ ignore: ['visit_count'] }")
  expect(named.text).not.toContain('date_created')
  expect(named.text).toContain('trackTable(client, "links", {"columns":{"updatedAt":"date_modified"}})')
})

test('of many tables those are proposed in which people write most, not the first ones by name', async () => {
  const url = await database(`${POSTS};
    do $$ begin for n in 1..6 loop execute format('create table a%s (id serial primary key, post_id integer not null, ok boolean)', n); end loop; end $$;
    create table zoos (id serial primary key, name text not null, city text, motto text)`)
  const { text } = await run(await generate(TYPED), ['init', '--dry-run'], { DATABASE_URL: url })
  expect(text).toMatch(/doctor --tables a1,a2,a3,posts,zoos$/)
  expect(text).toMatch(/Left out: a4, a5, a6 \(more than 5 at once\); users \(by its name\)/)
})

test('who sits at a terminal is asked before each file, and a no writes none; nobody there: none is written', async () => {
  const url = await database(POSTS)
  const cwd = await generate(TYPED)
  const alone = await run(cwd, ['init'], { DATABASE_URL: url })
  expect([alone.code, alone.err.at(-1)]).toEqual([
    1,
    expect.stringMatching(/^Nothing was written.*Add --yes\.$/),
  ])
  const asked: string[] = []
  const ask = async (question: string) => {
    asked.push(question)
    return question.includes('migrations')
  }
  expect((await run(cwd, ['init'], { DATABASE_URL: url }, { ask })).code).toBe(0)
  expect(asked).toEqual([expect.stringMatching(/^Write src\/migrations/), 'Write src/noclobber-records.ts?'])
  expect(await readdir(join(cwd, 'src'))).toEqual(['data.ts', 'main.ts', 'migrations'])
})

const WORKSPACE: Shape = {
  manifest: { private: true, workspaces: ['packages/*'] },
  links: { express: 'express', pg: 'pg', react: 'react' },
  files: {
    'packages/api/package.json':
      '{ "type": "module", "dependencies": { "express": "^4.1.0", "pg": "^8.1.0" } }',
    'packages/api/.env': 'DATABASE_URL=',
    'packages/api/server.js': `// process.env.DATABASE_URL\nimport express from 'express'\nexpress().listen(1)`,
    'packages/web/package.json': '{ "dependencies": { "react": "^18.0.0" } }',
  },
}

test('a workspace: the package with the server is found from the root, with what npm has put above it, and the pages’', async () => {
  const url = await database(POSTS)
  const cwd = await generate(WORKSPACE)
  const { code, text } = await run(cwd, ['init', '--yes'], { DATABASE_URL: url })
  expect(code).toBe(0)
  expect(text).toMatch(/^The server's package: packages\/api\nFound: express 5\.\d+\.\d+, pg 8\./)
  expect(text).toMatch(/ {2}pages: \.\.\/web, react 19\./)
  expect(text).toContain(`with noclobber installed in ../web too: createRecordClient()`)
  expect(text).toContain(`useRecordEditor('post', id)`)
  expect(text).not.toMatch(/Here is|Nothing in your sources/)
  expect((await readdir(join(cwd, 'packages/api'))).toSorted()).toEqual([
    ...['.env', 'noclobber-migrate.js', 'noclobber-records.js', 'package.json', 'server.js'],
  ])
  const again = await run(join(cwd, 'packages/api'), ['init', '--yes', '--tables', 'posts'], {
    DATABASE_URL: url,
  })
  expect([again.code, again.err.length]).toEqual([1, 2])
  const files = { ...WORKSPACE.files, 'packages/jobs/package.json': '{ "dependencies": { "pg": "8.16.0" } }' }
  const two = await run(await generate({ ...WORKSPACE, files }), ['init', '--yes'], { DATABASE_URL: url })
  expect([two.code, two.err]).toEqual([
    1,
    [expect.stringContaining('packages/api, packages/jobs. Run it in that')],
  ])
})

const withOrm = (orm: string, files: Record<string, string>, version = '3.0.0'): Shape => ({
  manifest: { dependencies: { express: '^4.18.0', pg: '^8.11.0', [orm]: version } },
  links: { pg: 'pg' },
  files: { 'app.js': `require('express')().listen(1) // DATABASE_URL`, ...files },
})

test.for([
  [
    'Prisma',
    withOrm('@prisma/client', { 'prisma/migrations/1_init/migration.sql': '' }),
    /Or by prisma migrate: npx noclobber sql > prisma\/migrations\/\d{14}_noclobber/,
  ],
  [
    'Drizzle',
    withOrm('drizzle-orm', { 'drizzle.config.ts': `export default { out: './sql' }` }),
    /docs\/stacks\.md#drizzle/,
  ],
  [
    'Sequelize that alters tables',
    withOrm('sequelize', {
      'models/index.js': `db.sync({ force: false, alter: true })\n// db.sync({ force: true })`,
    }),
    /^(?![\s\S]*makes anew)[\s\S]*models\/index\.js: PostgreSQL refuses sync\(\{ alter: true \}\)/,
  ],
  [
    'MikroORM',
    withOrm('@mikro-orm/core', {}),
    /schema:update drops what it doesn’t know, the log too: .*docs\/stacks\.md#mikroorm/,
  ],
  [
    'Sequelize that makes tables anew',
    withOrm('sequelize', { 'models/index.js': 'db.sync({ force: true })' }),
    /models\/index\.js: what it drops and makes anew has no triggers/,
  ],
  [
    'a Knex that is too old for our migrations',
    withOrm('knex', { 'migrations/1_a.js': '' }, '^0.21.1'),
    /needs Knex 2\.5 or later: what is written here takes a pg\.Pool[\s\S]*Run: node noclobber-migrate\.js/,
  ],
  [
    'pg alone',
    withOrm('dotenv', { '.env': 'DATABASE_URL=postgres://127.0.0.1:1/none' }),
    /node --env-file=\.env noclobber-migrate\.js/,
  ],
] satisfies [string, Shape, RegExp][])(
  '%s: what is written runs, and the doctor is content',
  async ([, shape, says]) => {
    const url = await database(
      `${POSTS}; create table task_statuses (id serial primary key, name text, at timestamp)`,
    )
    const cwd = await generate(shape)
    const { code, text } = await run(cwd, ['init', '--yes', '--database', url])
    expect(code).toBe(0)
    expect(text).toMatch(says)
    expect(text).toContain(`defineRecordType('task_status'`)
    expect(text).toContain('at: z.string().nullable().optional(), // without a time zone: it has no Z')
    if (!(await readdir(cwd)).includes('noclobber-migrate.js')) return
    await promisify(execFile)(process.execPath, ['noclobber-migrate.js'], {
      ...{ cwd, env: { ...process.env, DATABASE_URL: url } },
    })
    expect((await run(cwd, ['doctor', '--tables', 'posts,task_statuses', '--database', url])).code).toBe(0)
    const { code: later, text: after } = await run(cwd, ['init', '--yes', '--database', url])
    expect([later, after]).toEqual([1, expect.stringContaining('Tracked already: posts, task_statuses')])
  },
)

test.for([
  ['server.js', `require('./app').listen(process.env.PORT) // DATABASE_URL`],
  [
    'bin/www',
    `const server = require('http').createServer(require('../app'))\nserver.listen(process.env.DATABASE_URL)`,
  ],
])(
  'an app that one file makes and %s lets listen: each line says where it belongs',
  async ([listens = '', code = '']) => {
    const url = await database(POSTS)
    const files = { 'app.js': `const app = require('express')()\nmodule.exports = app`, [listens]: code }
    const { text } = await run(await generate(withOrm('dotenv', files)), ['init', '--yes'], {
      DATABASE_URL: url,
    })
    expect(text).toContain('  server: app.js')
    expect(text).toContain(`Mount it in app.js: const { records } = require('./noclobber-records.js')`)
    expect(text).toMatch(new RegExp(`records\\.attach\\(server\\).* in ${listens}`))
  },
)

test('pages in a folder beside the server’s, in one repository, are found without a workspace', async () => {
  const url = await database(POSTS)
  const cwd = await generate({
    ...withOrm('dotenv', {}),
    files: {
      '.git/HEAD': '',
      'server/package.json': '{ "dependencies": { "express": "^4.1.0", "pg": "^8.1.0" } }',
      'server/app.js': `const app = require('express')()\napp.get('/api/v1/events', list)\napp.listen(1) // DATABASE_URL`,
      'client/package.json': '{ "dependencies": { "vue": "^3.0.0" } }',
      'client/vite.config.js': `export default { server: { proxy: { '/api': 'http://localhost:3000' } } }`,
    },
  })
  const { text } = await run(join(cwd, 'server'), ['init', '--dry-run'], { DATABASE_URL: url })
  expect(text).toMatch(/ {2}pages: \.\.\/client, vue /)
  // Its own API is below /api/v1: ours there would answer its /events.
  for (const said of [
    `basePath: '/live' })`,
    `app.use('/live', records.router)`,
    `with noclobber installed in ../client too: createRecordClient({ url: '/live' }) of noclobber/client, and noclobber/dom`,
    `../client/vite.config.js: let its proxy pass on '/live' and, with ws: true, '/socket.io'`,
  ])
    expect(text).toContain(said)
})

test('an app without tables is asked to make them first; with Knex the log’s migration is written', async () => {
  const url = await database('select 1')
  const bare = await run(await generate(withOrm('dotenv', {})), ['init', '--yes'], { DATABASE_URL: url })
  expect([bare.code, bare.text]).toEqual([1, expect.stringContaining('this database has none')])
  const cwd = await generate(withOrm('knex', {}))
  const { code, text } = await run(cwd, ['init', '--yes'], { DATABASE_URL: url })
  expect([code, text]).toEqual([0, expect.stringContaining('Make your tables first')])
  expect(await readdir(join(cwd, 'migrations'))).toEqual([expect.stringMatching(/_noclobber\.js$/)])
})

test.for([
  ['order_lines', 'order_line'],
  ['Statuses', 'status'],
  ['task_statuses', 'task_status'],
  ['addresses', 'address'],
  ['categories', 'category'],
  ['houses', 'house'],
  ['movies', 'movie'],
  ['app.boxes', 'box'],
  ['people', 'person'],
  ['status', 'status'],
])('%s is a table of the type %s', ([table, type]) => {
  expect(typeNameOf(table as string)).toBe(type)
})

test('what it can’t do is refused with a sentence, and writes nothing', async () => {
  const mysql = await generate({
    manifest: { dependencies: { mysql2: '3.0.0', express: '5.0.0' } },
    links: {},
    files: {},
  })
  const refused = await run(mysql, ['init'])
  expect([refused.code, refused.err]).toEqual([1, [expect.stringContaining('This app uses mysql2')]])
  const url = await database('create view shown as select 1 as id')
  const cwd = await generate(TYPED)
  const none = await run(cwd, ['init', '--tables', 'nothing'], { DATABASE_URL: url })
  expect([none.code, none.err]).toEqual([1, ['There is no table nothing in this database.']])
  expect((await run(cwd, ['init', '--tables', 'posts'])).code).toBe(2)
  expect(await readdir(join(cwd, 'src'))).toEqual(['data.ts', 'main.ts', 'migrations'])
})

test('who signs in, and who the tenants are, is proposed by name alone; columns of other names are found', async () => {
  const url = await database(`
    create table orgs (id serial primary key, name text);
    create table staff (id serial primary key, org_id int not null references orgs, login text, pw_hash text, is_manager boolean);
    create table items (item_no serial primary key, org_id int not null references orgs, descr text, last_changed timestamp, changed_by int);
    create table colours (id serial primary key, name text);
    create table rooms (id serial primary key, company_id int not null, name text)`)
  const cwd = await generate(withOrm('dotenv', {}))
  const { text } = await run(cwd, ['init', '--dry-run', '--database', url])
  expect([...text.matchAll(/defineRecordType\('(\w+)'/g)].map(([, name]) => name)).toEqual([
    'colour',
    'item',
    'room',
  ])
  expect(text).toContain('"columns":{"updatedAt":"last_changed","updatedBy":"changed_by"}')
  expect(text).toMatch(
    /table: 'colours'[^}]*\},\n {2}\/\/ It has no tenant, so this lets everybody of every tenant/,
  )
  const named = await run(cwd, ['init', '--dry-run', '--database', url, '--tables', 'rooms'])
  expect(named.text).toContain("tenantId: the person's company_id, if that is the tenant")
  expect(named.text).not.toContain("any constant, 'app'")
})

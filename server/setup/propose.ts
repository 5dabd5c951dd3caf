// What init proposes to an app: the files, each with its text, and what is left to people. Invariant: a pure function of what was found.
import { dirname, extname, join, relative } from 'node:path'
import { counterLines, leftOutLines } from './left-out.ts'
import type { FoundApp } from './look-at-app.ts'
import { type TableProposal, whyLeftOut } from './look-at-tables.ts'
import {
  type Form,
  knexMigration,
  LOG_MIGRATION,
  migrationProgram,
  sequelizeMigration,
  stamp,
  trackMigration,
  typeormMigration,
} from './migration-text.ts'
import { mountLines, mountPath, pageLines } from './mount.ts'
import { recordsText } from './records-text.ts'

export interface ProposedFile {
  /** From the app's folder. */
  path: string
  text: string
  /** Which file that is there already is the same: a migration's name without its time. */
  isSame: (name: string) => boolean
}

export interface Proposal {
  files: ProposedFile[]
  tables: TableProposal[]
  left: string[]
}

export interface Wanted {
  typescript: boolean
  /** The names of tables; empty: those that look edited. */
  tables: string[]
  now: Date
}

const MOST_TABLES = 5

/** What the library runs with: see docs/stacks.md. */
const LOWEST: [string, number, number, string][] = [
  ['express', 4, 18, 'noclobber is tried with Express 4.18 and later.'],
  [
    'knex',
    2,
    5,
    'noclobber needs Knex 2.5 or later: what is written here takes a pg.Pool beside it. Or update it.',
  ],
  ['pg', 8, 11, 'noclobber needs pg 8.11 or later.'],
  [
    'react',
    18,
    2,
    'noclobber/react needs React 18.2 or later; noclobber/client and noclobber/dom need none.',
  ],
]
const OTHER_DATABASES = [
  'mysql',
  'mysql2',
  'sqlite3',
  'better-sqlite3',
  'mssql',
  'mongodb',
  'mongoose',
  'oracledb',
]

const formOf = (extension: string, isModule: boolean): Form =>
  /ts$/.test(extension) ? 'ts' : extension === 'cjs' || (extension === 'js' && !isModule) ? 'cjs' : 'mjs'

/** Is there anything that a server could be made of? */
const isApp = ({ host, orm, packages }: FoundApp) => host !== null || orm !== null || packages.has('pg')

/** How many of its columns hold what people write. */
const written = ({ fields }: TableProposal): number =>
  fields.filter(
    ({ name, type }) =>
      /^(text|character varying|citext)/.test(type) && !/(^|_)(id|type|uri|url|key)$/i.test(name),
  ).length

function choose(all: TableProposal[], wanted: string[]): TableProposal[] {
  if (wanted.length === 0) {
    const edited = all.filter((table) => whyLeftOut(table) === null && !table.isTracked)
    // Of more than are proposed at once those in which people write most, not the first ones by name.
    const likely = new Set(edited.toSorted((a, b) => written(b) - written(a)).slice(0, MOST_TABLES))
    return edited.filter((table) => likely.has(table))
  }
  return wanted.map((name) => {
    const found = all.find((table) => table.name === name || table.name === name.replace(/^public\./, ''))
    if (!found) throw new Error(`There is no table ${name} in this database.`)
    if (found.whyNot) throw new Error(`Table ${name} can't be tracked: ${found.whyNot}`)
    return found
  })
}

export function propose(app: FoundApp, all: TableProposal[] | null, wanted: Wanted): Proposal {
  const other = OTHER_DATABASES.find((name) => app.packages.has(name))
  if (other && !app.packages.has('pg'))
    throw new Error(
      `This app uses ${other}; noclobber needs PostgreSQL, by the package pg. Nothing was written.`,
    )
  const tables = all ? choose(all, wanted.tables) : []
  const files = [
    ...migrationFiles(app, tables, wanted),
    // It names the types, and would be in the way of one that does.
    ...(isApp(app) && tables.length > 0 ? [recordsFile(app, tables, wanted)] : []),
  ]
  return { files, tables, left: leftOver(app, all, tables, files, wanted) }
}

function recordsFile(app: FoundApp, tables: TableProposal[], { typescript }: Wanted): ProposedFile {
  const folder = app.serverFile ? dirname(app.serverFile) : '.'
  const extension =
    typescript || app.language === 'ts' ? 'ts' : extname(app.serverFile ?? '').slice(1) || 'js'
  const name = `noclobber-records.${extension}`
  return {
    path: join(folder, name),
    text: recordsText(tables, formOf(extension, app.isModule), {
      hasDotenv: app.packages.has('dotenv'),
      basePath: app.hasOwnApi ? mountPath(app) : null,
    }),
    isSame: (there) => there === name,
  }
}

function migrationFiles(app: FoundApp, tables: TableProposal[], { now, typescript }: Wanted): ProposedFile[] {
  const { orm, migrations, language, isModule } = app
  // Sequelize has no runner of its own: without one, and without a folder, a migration would never run.
  const isUnrun =
    orm === 'sequelize' && !migrations.isThere && !RUNNERS.some((name) => app.packages.has(name))
  // Nor does ours run in a Knex that asks for its migrations in another way.
  const isOld = orm === 'knex' && isTooLow(app, 'knex')
  const isPlain =
    isApp(app) && (orm === null || isUnrun || isOld || ['prisma', 'drizzle', 'kysely'].includes(orm))
  const known = /^[cm]?[jt]s$/.test(migrations.extension) && !isPlain ? migrations.extension : language
  const extension = typescript ? 'ts' : known
  const form = formOf(extension, isModule)
  if (tables.length === 0 && isApp(app) && orm !== 'knex') return []
  if (isPlain) {
    const name = `noclobber-migrate.${extension}`
    return [{ path: name, text: migrationProgram(tables, form), isSame: (there) => there === name }]
  }
  const file = (name: string, text: string, after = 0): ProposedFile => {
    const isSame = (there: string) => there.replace(/\.\w+$/, '').replace(/^\d+[_-]/, '') === name
    const path = join(
      migrations.folder,
      `${stamp(new Date(now.getTime() + after * 1000))}_${name}.${extension}`,
    )
    return { path, text, isSame }
  }
  if (orm === 'sequelize') return [file('noclobber', sequelizeMigration(tables, form))]
  if (orm === 'typeorm')
    return [
      {
        path: join(migrations.folder, `${now.getTime()}-Noclobber.${extension}`),
        text: typeormMigration(tables, form, now),
        isSame: (there) => /^\d+-Noclobber\./.test(there),
      },
    ]
  return [
    file('noclobber', knexMigration(LOG_MIGRATION, form)),
    ...tables.map(({ name, options }, at) =>
      file(`track_${name.replace(/\W/g, '_')}`, knexMigration(trackMigration(name, options), form), at + 1),
    ),
  ]
}

const RUNNERS = ['sequelize-cli', 'umzug']

/** Its own script knows its settings: what is compiled before, and where those are. */
const runLine = ({ orm, migrateScript, dataSourceFile, migrations, packages }: FoundApp): string => {
  const source = dataSourceFile ?? 'YOUR_DATA_SOURCE'
  const listed = migrations.isThere ? '' : `, whose migrations must list ${migrations.folder}`
  if (orm === 'typeorm')
    return migrateScript
      ? `${migrateScript}, after whatever compiles it${listed && `: ${source}${listed}`}`
      : `npx typeorm migration:run -d ${source} (compiled, where it is)${listed}`
  if (orm === 'sequelize' && packages.has('umzug') && !packages.has('sequelize-cli'))
    return migrateScript ?? 'your own runner of migrations, by umzug'
  if (orm === 'sequelize') return migrateScript ?? 'npx sequelize-cli db:migrate'
  return migrateScript ?? 'npx knex migrate:latest'
}

/** `4.18.1` or `^4.18.0` as numbers; what says nothing is new enough. */
const versionOf = (text: string) => {
  const [, major, minor = '0'] = /(\d+)(?:\.(\d+))?/.exec(text) ?? []
  return major === undefined ? null : { major: Number(major), minor: Number(minor) }
}

/** What is found of a package, and below what is tried. */
const versionIn = ({ packages, pages }: FoundApp, name: string) =>
  packages.get(name) ?? (pages?.framework === name ? pages.version : '')

const isTooLow = (app: FoundApp, name: string): boolean =>
  LOWEST.some(([one, major, minor]) => {
    const found = one === name ? versionOf(versionIn(app, name)) : null
    return found !== null && (found.major < major || (found.major === major && found.minor < minor))
  })

const tooLow = (app: FoundApp) =>
  LOWEST.flatMap(([name, , , sentence]) =>
    isTooLow(app, name) ? [`${sentence} Here is ${name} ${versionIn(app, name)}.`] : [],
  )

/** Why there are no tables, and what to do. */
function withoutTables(all: TableProposal[] | null): string[] {
  if (all === null)
    return ['Name the database, for its tables: DATABASE_URL=postgres://… npx noclobber init, or --database']
  const tracked = all.filter(({ isTracked }) => isTracked)
  if (tracked.length > 0) return [`Tracked already: ${tracked.map(({ name }) => name).join(', ')}`]
  if (all.length === 0)
    return ['Make your tables first, and run npx noclobber init again: this database has none']
  return ['Tables: none looks as if people edited it. Name them: npx noclobber init --tables projects,tasks']
}

/** What its own code does that a tracked table doesn’t bear, or that the files don’t know. */
function ofItsSources(
  { orm, altersIn, remakesIn, readsUrl, migrations, packages }: FoundApp,
  files: ProposedFile[],
  now: Date,
): string[] {
  const lines: string[] = []
  if (orm === 'sequelize' && altersIn)
    lines.push(
      `${altersIn}: PostgreSQL refuses sync({ alter: true }) for a tracked table. Call sync() there: docs/stacks.md#orms`,
    )
  if (orm === 'typeorm' && altersIn)
    lines.push(
      `${altersIn}: with synchronize, the entity needs the columns of tracking: docs/stacks.md#typeorm`,
    )
  if ((orm === 'sequelize' || orm === 'typeorm') && remakesIn)
    lines.push(
      `${remakesIn}: what it drops and makes anew has no triggers. Track those tables again behind it, at each such start: docs/stacks.md#orms`,
    )
  if (packages.has('@mikro-orm/core'))
    lines.push(
      'MikroORM’s schema:update drops what it doesn’t know, the log too: name it in schemaGenerator, as in docs/stacks.md#mikroorm',
    )
  if (orm === 'prisma' && migrations.isThere)
    lines.push(
      `Or by prisma migrate: npx noclobber sql > ${migrations.folder}/${stamp(now)}_noclobber/migration.sql, and so on: docs/stacks.md#prisma`,
    )
  if (!readsUrl && orm !== 'prisma')
    lines.push(
      `Nothing in your sources reads DATABASE_URL: give ${files.at(-1)?.path} what your app connects with`,
    )
  return lines
}

function leftOver(
  app: FoundApp,
  all: TableProposal[] | null,
  tables: TableProposal[],
  files: ProposedFile[],
  { typescript, tables: wanted, now }: Wanted,
): string[] {
  const { host, orm, packages, serverFile, listenFile, envFile } = app
  if (!isApp(app)) return ['Run: npx knex migrate:latest, then npx noclobber track TABLE --tenant COLUMN']
  if (tables.length === 0) return [...tooLow(app), ...withoutTables(all)]
  const compiler = versionOf(packages.get('typescript') ?? '')
  // Zod 4 is written for TypeScript 5; both have the standard interface.
  const zod = compiler && compiler.major < 5 ? 'zod@3' : 'zod'
  const missing = ['noclobber', 'pg', zod].filter((name) => !packages.has(name.replace(/@.*/, '')))
  const records = files.at(-1)?.path ?? ''
  const from = serverFile ? `./${relative(dirname(serverFile), records)}` : `./${records}`
  const imported =
    formOf(extname(serverFile ?? records).slice(1) || 'js', app.isModule) === 'cjs' && !typescript
      ? `const { records } = require('${from}')`
      : `import { records } from '${from.replace(/\.ts$/, app.importsEndIn)}'`
  const program = files[0]?.path ?? ''
  const node = `${/ts$/.test(program) ? 'npx tsx' : 'node'}${envFile ? ` --env-file=${envFile}` : ''}`
  return [
    ...tooLow(app),
    ...(missing.length > 0 ? [`Install: npm install ${missing.join(' ')}`] : []),
    ...(/ts$/.test(records) && !packages.has('@types/pg') ? ['Install: npm install -D @types/pg'] : []),
    `Run: ${/noclobber-migrate\.\w+$/.test(program) ? `${node} ${program}` : runLine(app)}`,
    ...ofItsSources(app, files, now),
    ...tables.flatMap(({ name, maybeTenant }) =>
      maybeTenant.length > 0
        ? [
            `${name}: if ${maybeTenant.join(' or ')} is the tenant, say so in the migration: { tenant: '${maybeTenant[0]}' }`,
          ]
        : [],
    ),
    ...counterLines(tables),
    'What your code hands on whole (select *, returning *, an ORM’s rows) shows the columns of tracking from then on, also in your tests: name the columns there',
    `Say who signs in: sessionOf in ${records}, which lets nobody in as it is`,
    `Mount it in ${serverFile ?? 'your server'}: ${imported}`,
    ...mountLines(mountPath(app))[host ?? 'node'].map((line) =>
      listenFile && line.startsWith('records.attach') ? `  ${line}, in ${listenFile}` : `  ${line}`,
    ),
    ...(orm && orm !== 'knex' ? [`Models and transactions: docs/stacks.md#${orm} of the package`] : []),
    ...pageLines(app, tables),
    ...(all === null || wanted.length > 0 ? [] : leftOutLines(all, tables, MOST_TABLES)),
    `Then see what is left: npx noclobber doctor --tables ${tables.map(({ name }) => name).join(',')}`,
  ]
}

// Migrations in the form of the tool that runs them, as text: the change log, then the tracking of each table.
import type { TrackOptions } from '../../migrations/index.ts'

/** What is imported from `noclobber/migrations`, and what goes up and down; `head`: lines before them. */
export interface Migration {
  imports: string[]
  head?: { comment: string; name: string; value: string }
  up: string
  down: { comment?: string; value: string | null }
}

/** How a file is written: `cjs` is CommonJS, `ts` may be either. */
export type Form = 'ts' | 'mjs' | 'cjs'

const DOOR = 'noclobber/migrations'

export const stamp = (now: Date): string => now.toISOString().replace(/\D/g, '').slice(0, 14)

export const LOG_MIGRATION: Migration = {
  imports: ['migrate'],
  head: {
    comment: 'The change log keeps its own table of migrations, and can be called again at any time.',
    name: 'config',
    value: '{ transaction: false }',
  },
  up: 'migrate(knex)',
  down: { comment: 'The log stays: tracked tables write to it.', value: null },
}

const argumentsOf = (table: string, options: TrackOptions) =>
  [table, options]
    .filter((value) => typeof value === 'string' || Object.keys(value).length > 0)
    .map((value) => JSON.stringify(value))
    .join(', ')

export const trackMigration = (table: string, options: TrackOptions): Migration => ({
  imports: ['trackTable', 'untrackTable'],
  up: `trackTable(knex, ${argumentsOf(table, options)})`,
  down: { value: `untrackTable(knex, ${JSON.stringify(table)})` },
})

const asModule = ({ imports, head, up, down }: Migration, typescript: boolean) => {
  const knex = typescript ? 'knex: Knex' : 'knex'
  return [
    `import { ${imports.join(', ')} } from '${DOOR}'`,
    ...(typescript ? [`import type { Knex } from 'knex'`] : []),
    '',
    ...(head ? [`// ${head.comment}`, `export const ${head.name} = ${head.value}`, ''] : []),
    `export const up = (${knex}) => ${up}`,
    ...(down.comment ? ['', `// ${down.comment}`] : []),
    `export const down = ${down.value === null ? 'async () => {}' : `(${knex}) => ${down.value}`}`,
  ]
}

/** CommonJS takes a module in by `import()`. */
const asCommonJs = ({ head, up, down }: Migration) => {
  const call = (value: string) => `async (knex) => (await import('${DOOR}')).${value}`
  return [
    ...(head ? [`// ${head.comment}`, `exports.${head.name} = ${head.value}`, ''] : []),
    `exports.up = ${call(up)}`,
    ...(down.comment ? ['', `// ${down.comment}`] : []),
    `exports.down = ${down.value === null ? 'async () => {}' : call(down.value)}`,
  ]
}

export const knexMigration = (migration: Migration, form: Form): string =>
  `${(form === 'cjs' ? asCommonJs(migration) : asModule(migration, form === 'ts')).join('\n')}\n`

export interface TrackedAs {
  name: string
  options: TrackOptions
}

const importLine = (names: string[], from: string, form: Form) =>
  form === 'cjs'
    ? `const { ${names.join(', ')} } = require('${from}')`
    : `import { ${names.join(', ')} } from '${from}'`

const namesFor = (tables: TrackedAs[], isBack: boolean) => [
  'migrate',
  ...(tables.length > 0 ? ['trackTable', ...(isBack ? ['untrackTable'] : [])] : []),
]

const ups = (client: string, tables: TrackedAs[]) => [
  `await migrate(${client})`,
  ...tables.map(({ name, options }) => `await trackTable(${client}, ${argumentsOf(name, options)})`),
]

/** For sequelize-cli, which hands over a QueryInterface, and umzug, which hands over whatever its maker has chosen. */
export function sequelizeMigration(tables: TrackedAs[], form: Form): string {
  const typed = form === 'ts'
  const given = typed ? 'given: Given' : 'given'
  const name = (one: string) => (form === 'cjs' ? `exports.${one} =` : `export const ${one} =`)
  const within = (lines: string[]) => [
    '  sequelizeOf(given).transaction(async (transaction) => {',
    '    // The client of pg that the transaction runs on.',
    typed
      ? '    const { connection } = transaction as object as { connection: PgClient }'
      : '    const { connection } = transaction',
    ...lines.map((line) => `    ${line}`),
    '  })',
  ]
  return [
    importLine(namesFor(tables, true), DOOR, form),
    ...(typed
      ? [
          `import type { PgClient } from 'noclobber/server'`,
          `import type { QueryInterface, Sequelize } from 'sequelize'`,
          '',
          'type Given = QueryInterface | { context: QueryInterface | Sequelize }',
        ]
      : []),
    '',
    '/** sequelize-cli hands over a QueryInterface, umzug what its `context` is. */',
    typed ? 'const sequelizeOf = (given: Given): Sequelize => {' : 'const sequelizeOf = (given) => {',
    `  const context = 'context' in given ? given.context : given`,
    `  return 'sequelize' in context ? context.sequelize : context`,
    '}',
    '',
    `${name('up')} (${given}) =>`,
    ...within(ups('connection', tables)),
    '',
    '// The log stays: tracked tables write to it.',
    ...(tables.length === 0
      ? [`${name('down')} async () => {}`]
      : [
          `${name('down')} (${given}) =>`,
          ...within(tables.map((table) => `await untrackTable(connection, ${JSON.stringify(table.name)})`)),
        ]),
    '',
  ].join('\n')
}

export function typeormMigration(tables: TrackedAs[], form: Form, at: Date): string {
  const name = `Noclobber${at.getTime()}`
  const typed = form === 'ts'
  const runner = typed ? 'runner: QueryRunner' : 'runner'
  return [
    importLine(namesFor(tables, true), DOOR, form),
    ...(typed ? [`import type { MigrationInterface, QueryRunner } from 'typeorm'`] : []),
    '',
    `${form === 'cjs' ? `exports.${name} =` : 'export'} class ${name}${typed ? ' implements MigrationInterface' : ''} {`,
    `  name = '${name}'`,
    `  async up(${runner}) {`,
    '    const client = await runner.connect()   // the client of pg that the migration runs on',
    ...ups('client', tables).map((line) => `    ${line}`),
    '  }',
    '  // The log stays: tracked tables write to it.',
    `  async down(${tables.length === 0 ? '' : runner}) {`,
    ...(tables.length === 0 ? [] : ['    const client = await runner.connect()']),
    ...tables.map((table) => `    await untrackTable(client, ${JSON.stringify(table.name)})`),
    '  }',
    '}',
    '',
  ].join('\n')
}

/** A program of its own, for tools whose migrations are handed no client of pg. It may run again at any time. */
export const migrationProgram = (tables: TrackedAs[], form: Form): string =>
  [
    importLine(namesFor(tables, false), DOOR, form),
    form === 'cjs' ? `const pg = require('pg')` : `import pg from 'pg'`,
    '',
    '// Makes the change log and tracks the tables; run it where you run your migrations, after them, as often as you like.',
    'async function main() {',
    '  const client = new pg.Client({ connectionString: process.env.DATABASE_URL })',
    '  await client.connect()',
    '  try {',
    ...ups('client', tables).map((line) => `    ${line}`),
    '  } finally {',
    '    await client.end()',
    '  }',
    '}',
    '',
    'main().catch((error) => {',
    '  console.error(error)',
    '  process.exitCode = 1',
    '})',
    '',
  ].join('\n')

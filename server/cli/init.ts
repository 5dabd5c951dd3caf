// `noclobber init`: looks at the app and its database, proposes the files that set the library up, shows and writes them.
// Invariant: a file that is there is never overwritten, and `--dry-run` writes none.
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import type { Knex } from 'knex'
import { tooOld } from '../../migrations/supported.ts'
import { isOfApp } from '../setup/left-out.ts'
import { type FoundApp, lookAtApp, urlOfEnvFile } from '../setup/look-at-app.ts'
import { lookAtTables, proposalFor, type TableProposal } from '../setup/look-at-tables.ts'
import { type ProposedFile, propose } from '../setup/propose.ts'
import {
  COMMON,
  type Command,
  DATABASE,
  DATABASE_HELP,
  EXIT,
  list,
  type Terminal,
  text,
  UnreachableError,
  UsageError,
  type Values,
} from './command.ts'
import { withDatabase } from './with-database.ts'

/** `null`: no database was named, or it can't be reached; the rest goes on without. */
async function tablesOf(terminal: Terminal, values: Values, root: string): Promise<TableProposal[] | null> {
  if (!text(values, 'database') && !terminal.env.DATABASE_URL && !(await urlOfEnvFile(root))) return null
  try {
    const look = async (knex: Knex) => {
      const old = await tooOld(knex)
      if (old) throw new Error(`${old} Nothing was written.`)
      return (await lookAtTables(knex)).map(proposalFor)
    }
    return await withDatabase(terminal, values, look, root)
  } catch (error) {
    if (!(error instanceof UnreachableError || error instanceof UsageError)) throw error
    terminal.err(`${error.message} Its tables are not looked at.`)
    return null
  }
}

/** More tables than these are described only where something is to be said of them. */
const FEW_TABLES = 12

function describe(
  { out, cwd }: Terminal,
  app: FoundApp,
  tables: TableProposal[] | null,
  chosen: TableProposal[],
) {
  const folder = relative(cwd, app.root)
  if (folder && !folder.startsWith('..')) out(`The server's package: ${folder}`)
  const version = (name: string) => (app.packages.has(name) ? `${name} ${app.packages.get(name)}` : null)
  const found = [
    'express',
    'fastify',
    'koa',
    'hono',
    '@nestjs/core',
    'knex',
    '@prisma/client',
    'drizzle-orm',
    'kysely',
  ]
  const more = ['typeorm', 'sequelize', 'pg', 'react', 'vue', 'svelte', 'typescript']
  const parts = [...found, ...more].map(version).filter((part) => part !== null)
  out(`Found: ${[...parts, app.isModule ? 'ES modules' : 'CommonJS'].join(', ')}`)
  if (app.serverFile) out(`  server: ${app.serverFile}`)
  if (app.pages) out(`  pages: ${app.pages.folder}, ${app.pages.framework} ${app.pages.version}`)
  if (app.migrations.isThere) out(`  migrations: ${app.migrations.folder}`)
  const ofApp = (tables ?? []).filter(isOfApp)
  const described = ofApp.filter(
    (table) =>
      ofApp.length <= FEW_TABLES || chosen.includes(table) || table.isTracked || table.whyNot !== null,
  )
  for (const { name, key, options, isTracked, whyNot, maybeTenant } of described) {
    const { tenant, columns } = options
    const says = [
      key.length > 0 ? `key ${key.join(', ')}` : 'no key',
      tenant
        ? `tenant ${tenant}`
        : maybeTenant.length > 0
          ? `maybe the tenant: ${maybeTenant.join(', ')}`
          : null,
      ...Object.entries(columns ?? {}).map(([which, column]) => `${which} ${column ?? 'none'}`),
      isTracked ? 'tracked already' : whyNot,
    ]
    out(`  table ${name}: ${says.filter((part) => part !== null).join(', ')}`)
  }
  const others = ofApp.length - described.length
  if (others > 0) out(`  and ${others} more table${others > 1 ? 's' : ''}`)
}

/** The file that is there in its place. */
async function existing(root: string, { path, isSame }: ProposedFile): Promise<string | null> {
  const folder = dirname(resolve(root, path))
  const there = (await readdir(folder).catch(() => [])).find(isSame)
  return there ? join(folder, there) : null
}

export const init: Command = {
  name: 'init',
  usage: '[--tables TABLE,…] [--dry-run] [--yes] [--dir migrations] [--ts]',
  summary: 'set the library up in this app: look at it, propose the files, write them',
  help: [
    '  --tables TABLES  the tables to track; default: those that look as if people edited them',
    '  --dry-run        show the files, and write none',
    '  --yes            write without asking; needed where nobody sits at a terminal',
    '  --dir DIR        where your migrations are; default: as their tool says, else migrations',
    '  --ts             write TypeScript; default: as your server is written',
    DATABASE_HELP,
    '',
    'It only reads the database, and never overwrites a file. Without its tables it proposes a migration of Knex alone, or nothing.',
  ],
  options: {
    ...COMMON,
    ...DATABASE,
    dir: { type: 'string' },
    tables: { type: 'string' },
    ts: { type: 'boolean' },
    yes: { type: 'boolean' },
    'dry-run': { type: 'boolean' },
  },
  run: async (terminal, values) => {
    const { out, err } = terminal
    const isQuiet = values.json === true
    const app = await lookAtApp(terminal.cwd, text(values, 'dir'))
    const wanted = { typescript: values.ts === true, tables: list(values, 'tables'), now: new Date() }
    const tables = await tablesOf(terminal, values, app.root)
    if (wanted.tables.length > 0 && tables === null)
      throw new UsageError(
        '--tables needs the database, and it can be reached: --database postgres://… or DATABASE_URL.',
      )
    const { files, left, tables: chosen } = propose(app, tables, wanted)
    const isShownOnly = values['dry-run'] === true || (values.yes !== true && !isQuiet && !terminal.ask)
    if (!isQuiet) describe(terminal, app, tables, chosen)
    const written: string[] = []
    let unwritten = 0
    for (const file of files) {
      const path = resolve(app.root, file.path)
      const shown = relative(terminal.cwd, path)
      const there = await existing(app.root, file)
      if (there) {
        err(`${relative(terminal.cwd, there)} is there already, and nothing was written in its place.`)
        continue
      }
      if (!isQuiet) for (const line of ['', `── ${shown}`, ...file.text.trimEnd().split('\n')]) out(line)
      if (isShownOnly) {
        unwritten += 1
        continue
      }
      if (values.yes !== true && !isQuiet && (await terminal.ask?.(`Write ${shown}?`)) === false) continue
      await mkdir(dirname(path), { recursive: true })
      await writeFile(path, file.text, { flag: 'wx' })
      written.push(shown)
      if (!isQuiet) out(`Wrote ${shown}.`)
    }
    if (isQuiet) {
      const proposed = files.map(({ path }) => relative(terminal.cwd, resolve(app.root, path)))
      const names = chosen.map(({ name }) => name)
      out(JSON.stringify({ file: written[0] ?? null, files: written, proposed, tables: names, left }))
    } else {
      out('')
      out('What is left:')
      for (const line of left) out(`  ${line}`)
      if (unwritten > 0 && !values['dry-run'])
        err('Nothing was written: nobody sits at a terminal to be asked. Add --yes.')
    }
    return written.length > 0 || values['dry-run'] ? EXIT.done : EXIT.refused
  },
}

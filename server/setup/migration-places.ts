// Where an app keeps its migrations, and how it runs them: by its tool's settings, by the files that are there, by its own scripts.
// Invariant: it only reads.
import { readdir, readFile } from 'node:fs/promises'
import { dirname, extname, join, relative, resolve } from 'node:path'

export type Orm = 'prisma' | 'drizzle' | 'typeorm' | 'sequelize' | 'kysely' | 'knex'

/** Where the tool's own settings say its migrations are. */
const FOLDERS: Record<Orm, { settings: RegExp; says: RegExp; otherwise: string }> = {
  knex: { settings: /^knexfile\.[cm]?[jt]s$/, says: /directory:\s*['"`]([^'"`]+)/, otherwise: 'migrations' },
  sequelize: {
    settings: /^\.sequelizerc$/,
    says: /migrations-path['"]\s*:\s*(?:path\.resolve\([^'"]*)?['"]([^'"]+)/,
    otherwise: 'migrations',
  },
  prisma: { settings: /^$/, says: /$^/, otherwise: 'prisma/migrations' },
  drizzle: { settings: /^drizzle\.config\.[cm]?[jt]s$/, says: /out:\s*['"`]([^'"`]+)/, otherwise: 'drizzle' },
  // Its `DataSource` names them by a pattern, often of what is built: files of its own are surer.
  typeorm: { settings: /^$/, says: /$^/, otherwise: 'src/migrations' },
  kysely: {
    settings: /^kysely\.config\.[cm]?[jt]s$/,
    says: /migrationFolder:\s*['"`]([^'"`]+)/,
    otherwise: 'migrations',
  },
}

export interface Migrations {
  folder: string
  /** Of the newest one that is there. */
  extension: string
  isThere: boolean
}

/** `sources`: its source files; `known`: a folder in which one of them is a migration. */
export const migrationsOf = async (
  root: string,
  orm: Orm | null,
  { given, known, sources }: { given: string | undefined; known: string | null; sources: string[] },
): Promise<Migrations> => {
  const { settings, says, otherwise } = FOLDERS[orm ?? 'knex']
  const names = await readdir(root).catch(() => [])
  const file = names.find((name) => settings.test(name))
  const text = file ? await readFile(join(root, file), 'utf8') : ''
  const said = says.exec(text)?.[1]?.replace(/^\.\//, '')
  const named = (given && relative(root, given)) ?? said ?? (orm === 'typeorm' ? known : null)
  const guesses = named
    ? [named]
    : [otherwise, 'db/migrations', 'src/migrations', 'src/db/migrations', 'migrations']
  const below = sources.map((path) => relative(root, dirname(path)))
  const elsewhere = below.filter((folder) => /(^|\/)migrations?$/.test(folder))
  for (const folder of named ? guesses : [...guesses, ...elsewhere]) {
    const entries = (await readdir(resolve(root, folder)).catch(() => null))?.toSorted()
    if (!entries) continue
    const newest = entries.findLast((name) => /\.([cm]?[jt]s|sql)$/.test(name) && !/\.d\.ts$/.test(name))
    return { folder, extension: newest ? extname(newest).slice(1) : '', isThere: true }
  }
  return { folder: named ?? otherwise, extension: '', isThere: false }
}

/** A script of package.json that runs the tool's migrations. */
const RUNS: Partial<Record<Orm, RegExp>> = {
  knex: /\bmigrate:latest\b/,
  sequelize: /\bdb:migrate\b(?!:)/,
  typeorm: /\bmigration:run\b/,
}

/** The app's own script for it: `npm run typeorm:migrate`. */
export const ownScript = (scripts: unknown, orm: Orm | null): string | null => {
  const runs = orm && RUNS[orm]
  const found = runs && Object.entries(scripts ?? {}).find(([, command]) => runs.test(String(command)))
  return found ? `npm run ${found[0]}` : null
}

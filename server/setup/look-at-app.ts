// What an app is made of, as its files say: the framework, the ORM, the front end, the kind of modules, where its migrations are.
// Invariant: it only reads.
import { readdir, readFile } from 'node:fs/promises'
import { dirname, extname, join, relative, resolve } from 'node:path'

export type Host = 'express' | 'fastify' | 'nestjs' | 'koa' | 'hono'
export type Orm = 'prisma' | 'drizzle' | 'typeorm' | 'sequelize' | 'kysely' | 'knex'

export interface FoundApp {
  /** The folder of package.json, or where the command runs. */
  root: string
  /** Installed versions of what it depends on; where it isn't installed, the range. */
  packages: ReadonlyMap<string, string>
  host: Host | null
  orm: Orm | null
  /** ECMAScript modules, as package.json says. */
  isModule: boolean
  /** What its server is written in. */
  language: 'ts' | 'js'
  /** The file that starts the server, from `root`; `null`: none was found. */
  serverFile: string | null
  migrations: { folder: string; extension: string; isThere: boolean }
}

/** In this order: a Nest app has Express too, and Prisma is no query builder that another would stand beside. */
const HOSTS: [string, Host][] = [
  ...([['@nestjs/core', 'nestjs']] satisfies [string, Host][]),
  ...(['fastify', 'hono', 'koa', 'express'] satisfies Host[]).map((name): [string, Host] => [name, name]),
]
const ORMS: [string, Orm][] = [
  ['@prisma/client', 'prisma'],
  ['drizzle-orm', 'drizzle'],
  ['typeorm', 'typeorm'],
  ['sequelize', 'sequelize'],
  ['kysely', 'kysely'],
  ['knex', 'knex'],
]
const SKIPPED = /^(node_modules|dist|build|coverage|public|test|tests|\..*)$/
const MOST_FILES = 1_000
const STARTS =
  /(?:from|require\()\s*['"](?:express|fastify|koa|hono|@nestjs\/core|@hono\/node-server|(?:node:)?https?)['"]/
const LISTENS = /\.listen\s*\(|\bserve\s*\(/

const readJson = async (path: string): Promise<Record<string, unknown> | null> => {
  const text = await readFile(path, 'utf8').catch(() => null)
  if (text === null) return null
  try {
    return JSON.parse(text)
  } catch {
    throw new Error(`${path} is not JSON.`)
  }
}

const rootOf = async (folder: string): Promise<string> => {
  for (let at = folder; ; at = dirname(at)) {
    if (await readFile(join(at, 'package.json')).catch(() => null)) return at
    if (dirname(at) === at) return folder
  }
}

/** Source files, nearest first. */
const sourcesOf = async (root: string): Promise<string[]> => {
  const found: string[] = []
  const folders = [root]
  for (let folder = folders.shift(); folder && found.length < MOST_FILES; folder = folders.shift())
    for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
      if (entry.isDirectory() && !SKIPPED.test(entry.name)) folders.push(join(folder, entry.name))
      else if (entry.isFile() && /(?<!\.d)\.[cm]?[jt]s$/.test(entry.name))
        found.push(join(folder, entry.name))
    }
  return found
}

const serverFileOf = async (root: string): Promise<string | null> => {
  for (const path of await sourcesOf(root)) {
    const text = await readFile(path, 'utf8').catch(() => '')
    if (STARTS.test(text) && LISTENS.test(text)) return relative(root, path)
  }
  return null
}

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
  typeorm: { settings: /^$/, says: /$^/, otherwise: 'src/migrations' },
  kysely: {
    settings: /^kysely\.config\.[cm]?[jt]s$/,
    says: /migrationFolder:\s*['"`]([^'"`]+)/,
    otherwise: 'migrations',
  },
}

const migrationsOf = async (root: string, orm: Orm | null, given: string | undefined) => {
  const { settings, says, otherwise } = FOLDERS[orm ?? 'knex']
  const names = await readdir(root).catch(() => [])
  const file = names.find((name) => settings.test(name))
  const text = file ? await readFile(join(root, file), 'utf8') : ''
  const named = given ?? says.exec(text)?.[1]?.replace(/^\.\//, '')
  const guesses = named
    ? [named]
    : [otherwise, 'db/migrations', 'src/migrations', 'src/db/migrations', 'migrations']
  for (const folder of guesses) {
    const entries = (await readdir(resolve(root, folder)).catch(() => null))?.toSorted()
    if (!entries) continue
    const newest = entries.findLast((name) => /\.([cm]?[jt]s|sql)$/.test(name) && !/\.d\.ts$/.test(name))
    return { folder, extension: newest ? extname(newest).slice(1) : '', isThere: true }
  }
  return { folder: named ?? otherwise, extension: '', isThere: false }
}

/** `dir`: where its migrations are, if somebody says so. */
export async function lookAtApp(cwd: string, dir?: string): Promise<FoundApp> {
  const root = await rootOf(cwd)
  const manifest = await readJson(join(root, 'package.json'))
  const { dependencies, devDependencies } = { ...manifest } as Record<
    string,
    Record<string, string> | undefined
  >
  const packages = new Map<string, string>()
  for (const [name, range] of Object.entries({ ...devDependencies, ...dependencies })) {
    const installed = await readJson(join(root, 'node_modules', name, 'package.json')).catch(() => null)
    packages.set(name, typeof installed?.version === 'string' ? installed.version : range)
  }
  const first = <T>(known: [string, T][]) => known.find(([name]) => packages.has(name))?.[1] ?? null
  const orm = first(ORMS)
  const serverFile = await serverFileOf(root)
  const isTyped = serverFile ? /ts$/.test(serverFile) : packages.has('typescript')
  return {
    ...{ root, packages, orm, serverFile },
    host: first(HOSTS),
    isModule: manifest?.type === 'module',
    language: isTyped ? 'ts' : 'js',
    migrations: await migrationsOf(root, orm, dir),
  }
}

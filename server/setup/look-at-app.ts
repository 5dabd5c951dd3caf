// What an app is made of, as its files say: the framework, the ORM, the front end, the kind of modules, where its migrations are.
// Invariant: it only reads.
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { parseEnv } from 'node:util'
import { type Migrations, migrationsOf, type Orm, ownScript } from './migration-places.ts'
import {
  dependenciesOf,
  frontOf,
  installedVersion,
  isServer,
  packageOf,
  rootOf,
  siblingsOf,
  workspaceOf,
} from './workspace.ts'

export type Host = 'express' | 'fastify' | 'nestjs' | 'koa' | 'hono'

export interface FoundApp {
  /** The folder of the server's package.json, or where the command runs. */
  root: string
  /** Installed versions of what it depends on; where it isn't installed, the range. */
  packages: ReadonlyMap<string, string>
  host: Host | null
  orm: Orm | null
  /** What its TypeScript writes behind the path of a file that it imports. */
  importsEndIn: '' | '.js' | '.ts'
  /** ECMAScript modules, as package.json says. */
  isModule: boolean
  /** What its server is written in. */
  language: 'ts' | 'js'
  /** The file that makes the app, from `root`; `null`: none was found. */
  serverFile: string | null
  /** The file that listens, where that is another one. */
  listenFile: string | null
  migrations: Migrations
  /** What the app itself runs its migrations with, or `null`. */
  migrateScript: string | null
  /** The file from `root` that makes TypeORM's `DataSource`. */
  dataSourceFile: string | null
  /** The package with the pages, where that is another one: its folder from `root`. */
  pages: { folder: string; framework: string; version: string } | null
  /** The file from `root` in which the ORM brings tables to its models by itself. */
  altersIn: string | null
  /** The file from `root` in which the ORM drops tables and makes them anew. */
  remakesIn: string | null
  /** Does anything in its sources read `DATABASE_URL`? */
  readsUrl: boolean
  /** The file from `root` that sets `DATABASE_URL`. */
  envFile: string | null
  /** Are routes of its own below `/api/v1`? Ours there would take its `/events` and `/records`. */
  hasOwnApi: boolean
  /** The settings of Vite from `root` that pass requests on to a server. */
  proxyFile: string | null
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
/** An app that another file lets listen, as tests want it. */
const MAKES = /\b(?:express|fastify|Fastify)(?:['"]\))?\s*\(|\bnew (?:Koa|Hono)\b/
const LISTENS = /\.listen\s*\(|\bserve\s*\(/

/** Source files, nearest first. */
const sourcesOf = async (root: string): Promise<string[]> => {
  const found: string[] = []
  const folders = [root]
  for (let folder = folders.shift(); folder && found.length < MOST_FILES; folder = folders.shift())
    for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
      if (entry.isDirectory() && !SKIPPED.test(entry.name)) folders.push(join(folder, entry.name))
      // `bin/www` is what Express's own generator makes.
      else if (entry.isFile() && /^www$|(?<!\.d)\.[cm]?[jt]s$/.test(entry.name))
        found.push(join(folder, entry.name))
    }
  return found
}

const ALTERS = /\.sync\(\s*\{[^}]*\balter\s*:\s*true\s*[,}]|\bsynchronize\s*:\s*true\b/

/** Of a file beside or above it. */
const IMPORTS = /\bfrom\s*['"]\.{1,2}\/[^'"]*?(\.[jt]s)?['"]/g

const REMAKES = /\.sync\(\s*\{[^}]*\bforce\s*:\s*true\s*[,}]|\bdropSchema\s*:\s*true\b/

/** What is commented out does nothing; a `//` of an address isn't a comment. */
const withoutComments = (text: string): string =>
  text.replace(/\/\*[\s\S]*?\*\//g, ' ').replace(/(^|[\s;,{}()])\/\/.*/gm, '$1')

const MAKES_SOURCE = /\bnew DataSource\s*\(/
/** Of TypeORM, in TypeScript or as its tool writes JavaScript. */
const IS_MIGRATION = /\bMigrationInterface\b|\basync up\(\s*queryRunner\b/

/** But for our own router there, of a run before. */
const OWN_API = /['"`]\/api\/v1\b(?!['"`]\s*,\s*\w+\.(?:router|handler)\b)/

type OfSources = Pick<
  FoundApp,
  'serverFile' | 'listenFile' | 'altersIn' | 'remakesIn' | 'readsUrl' | 'dataSourceFile' | 'hasOwnApi'
>

/** What its sources say; `known`: the folder of a migration. */
const lookAtSources = async (
  root: string,
  sources: string[],
): Promise<OfSources & { endings: Set<string>; known: string | null }> => {
  let [whole, made, hosts, listens]: string[] = []
  let altersIn: string | null = null
  let remakesIn: string | null = null
  let readsUrl = false
  let hasOwnApi = false
  let dataSourceFile: string | null = null
  let known: string | null = null
  const endings = new Set<string>()
  for (const path of sources) {
    const text = await readFile(path, 'utf8').catch(() => '')
    const code = withoutComments(text)
    const [starts, isListening, makes] = [STARTS, LISTENS, MAKES].map((pattern) => pattern.test(text))
    if (starts && isListening && makes) whole ??= relative(root, path)
    else if (starts && makes) made ??= relative(root, path)
    else if (starts && isListening) hosts ??= relative(root, path)
    else if (isListening) listens ??= relative(root, path)
    if (ALTERS.test(code)) altersIn ??= relative(root, path)
    if (REMAKES.test(code)) remakesIn ??= relative(root, path)
    if (MAKES_SOURCE.test(code)) dataSourceFile ??= relative(root, path)
    if (IS_MIGRATION.test(code)) known ??= relative(root, dirname(path))
    hasOwnApi ||= OWN_API.test(code)
    readsUrl ||= text.includes('DATABASE_URL')
    for (const [, ending = ''] of text.matchAll(IMPORTS)) endings.add(ending)
  }
  // The routes belong where the app is made: behind its last middleware, a 404 for all, they are never reached.
  const serverFile = whole ?? made ?? hosts ?? null
  const listenFile = serverFile === made ? (hosts ?? listens ?? null) : null
  const found = { listenFile, altersIn, remakesIn, readsUrl, hasOwnApi, dataSourceFile, endings, known }
  return { serverFile, ...found }
}

/** `DATABASE_URL` of a folder's `.env`. */
export const urlOfEnvFile = async (folder: string): Promise<string | undefined> =>
  parseEnv(await readFile(join(folder, '.env'), 'utf8').catch(() => '')).DATABASE_URL || undefined

/** The package of the server: this one, or of a workspace the only one that has a server. */
async function serverPackage(cwd: string) {
  const root = await rootOf(cwd)
  const here = (await packageOf(root)) ?? { folder: root, manifest: {} }
  if (isServer(here)) return here
  const servers = (await workspaceOf(here)).filter(isServer)
  if (servers.length > 1) {
    const folders = servers.map(({ folder }) => relative(cwd, folder))
    throw new Error(
      `Several packages here may have the server: ${folders.join(', ')}. Run it in that one’s folder. Nothing was written.`,
    )
  }
  return servers[0] ?? here
}

async function pagesOf(root: string): Promise<FoundApp['pages']> {
  const found = (await siblingsOf(root)).find((one) => one.folder !== root && frontOf(one) !== null)
  const framework = found && frontOf(found)
  if (!found || !framework) return null
  const version = (await installedVersion(found.folder, framework)) ?? dependenciesOf(found)[framework] ?? ''
  return { folder: relative(root, found.folder), framework, version }
}

const VITE = /^vite\.config\.[cm]?[jt]s$/

/** The first of these folders whose Vite has a proxy. */
async function proxyFileOf(root: string, folders: string[]): Promise<string | null> {
  for (const folder of folders)
    for (const name of (await readdir(folder).catch(() => [])).filter((one) => VITE.test(one)))
      if (/\bproxy\s*:/.test(withoutComments(await readFile(join(folder, name), 'utf8'))))
        return relative(root, join(folder, name))
  return null
}

/** `dir`: where its migrations are, from `cwd`, if somebody says so. */
export async function lookAtApp(cwd: string, dir?: string): Promise<FoundApp> {
  const found = await serverPackage(cwd)
  const { folder: root, manifest } = found
  const packages = new Map<string, string>()
  for (const [name, range] of Object.entries(dependenciesOf(found)))
    packages.set(name, (await installedVersion(root, name)) ?? range)
  const first = <T>(known: [string, T][]) => known.find(([name]) => packages.has(name))?.[1] ?? null
  const orm = first(ORMS)
  const sources = await sourcesOf(root)
  const { endings, known, ...said } = await lookAtSources(root, sources)
  const isTyped = said.serverFile ? /ts$/.test(said.serverFile) : packages.has('typescript')
  const given = dir && resolve(cwd, dir)
  const pages = await pagesOf(root)
  return {
    root,
    packages,
    orm,
    ...said,
    host: first(HOSTS),
    isModule: manifest.type === 'module',
    importsEndIn: endings.has('.ts')
      ? '.ts'
      : endings.has('.js') || (manifest.type === 'module' && !endings.has(''))
        ? '.js'
        : '',
    language: isTyped ? 'ts' : 'js',
    migrations: await migrationsOf(root, orm, { given, known, sources }),
    migrateScript: ownScript(manifest.scripts, orm),
    pages,
    envFile: (await urlOfEnvFile(root)) ? '.env' : null,
    proxyFile: await proxyFileOf(root, [root, ...(pages ? [join(root, pages.folder)] : [])]),
  }
}

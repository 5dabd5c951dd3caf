// Apps of several packages: which of them has the server, and which the pages. Invariant: it only reads.
import { readdir, readFile, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'

export interface Package {
  folder: string
  manifest: Record<string, unknown>
}

const FRONT = ['react', 'vue', 'svelte', '@angular/core', 'solid-js', 'preact']
const BACK =
  /^(express|fastify|koa|hono|@nestjs\/core|pg|knex|@prisma\/client|drizzle-orm|typeorm|sequelize|kysely)$/

const readJson = async (path: string): Promise<Record<string, unknown> | null> => {
  const text = await readFile(path, 'utf8').catch(() => null)
  if (text === null) return null
  try {
    return JSON.parse(text)
  } catch {
    throw new Error(`${path} is not JSON.`)
  }
}

export const packageOf = async (folder: string): Promise<Package | null> => {
  const manifest = await readJson(join(folder, 'package.json'))
  return manifest && { folder, manifest }
}

/** The nearest folder from here upwards with a package.json, or the folder itself. */
export const rootOf = async (folder: string): Promise<string> => {
  for (let at = folder; ; at = dirname(at)) {
    if (await readFile(join(at, 'package.json')).catch(() => null)) return at
    if (dirname(at) === at) return folder
  }
}

/** Ranges by name, of what it runs and is built with. */
export const dependenciesOf = ({ manifest }: Package): Record<string, string> => {
  const { dependencies, devDependencies } = manifest as Record<string, Record<string, string> | undefined>
  return { ...devDependencies, ...dependencies }
}

/** The installed version, which npm may have put into a folder above; `null` where it isn't installed. */
export const installedVersion = async (folder: string, name: string): Promise<string | null> => {
  for (let at = folder; ; at = dirname(at)) {
    const found = await readJson(join(at, 'node_modules', name, 'package.json')).catch(() => null)
    if (typeof found?.version === 'string') return found.version
    if (dirname(at) === at) return null
  }
}

/** `packages/*` and `backend`, of npm, Yarn and pnpm. */
const patternsOf = async ({ folder, manifest }: Package): Promise<string[]> => {
  const { workspaces } = manifest as { workspaces?: string[] | { packages?: string[] } }
  const named = Array.isArray(workspaces) ? workspaces : workspaces?.packages
  if (named) return named
  const yaml = await readFile(join(folder, 'pnpm-workspace.yaml'), 'utf8').catch(() => '')
  const [, list = ''] = /^packages:\s*\n((?:\s*(?:-.*|#.*)?\n?)*)/m.exec(yaml) ?? []
  return [...list.matchAll(/^\s*-\s*['"]?([^'"\n#]+?)['"]?\s*$/gm)].map(([, pattern = '']) => pattern)
}

const foldersIn = async (parent: string): Promise<string[]> => {
  const entries = await readdir(parent, { withFileTypes: true }).catch(() => [])
  return entries
    .filter((entry) => entry.isDirectory() && entry.name !== 'node_modules')
    .map(({ name }) => join(parent, name))
}

const packagesOf = async (folders: string[]): Promise<Package[]> =>
  (await Promise.all(folders.map(packageOf))).filter((one) => one !== null)

/** The packages of a workspace; empty: it is none. */
export async function workspaceOf(root: Package): Promise<Package[]> {
  const folders: string[] = []
  for (const pattern of await patternsOf(root)) {
    if (pattern.startsWith('!')) continue
    const [parent = '', rest] = pattern.replace(/^\.\//, '').split(/\/?\*+(?:\/|$)/)
    if (rest === undefined) folders.push(join(root.folder, parent))
    else folders.push(...(await foldersIn(join(root.folder, parent))))
  }
  return packagesOf(folders)
}

/** The packages beside this one: of its workspace; without one in the same repository, as `client` beside `server`. */
export async function siblingsOf(folder: string): Promise<Package[]> {
  for (let at = dirname(folder); dirname(at) !== at; at = dirname(at)) {
    const root = await packageOf(at)
    const all = root ? await workspaceOf(root) : []
    if (all.some((one) => one.folder === folder)) return all
  }
  const parent = dirname(folder)
  const isRepository = (await stat(join(parent, '.git')).catch(() => null)) !== null
  return isRepository ? packagesOf(await foldersIn(parent)) : []
}

export const isServer = (one: Package): boolean =>
  Object.keys(dependenciesOf(one)).some((name) => BACK.test(name))

export const frontOf = (one: Package): string | null => {
  const names = dependenciesOf(one)
  return FRONT.find((name) => name in names) ?? null
}

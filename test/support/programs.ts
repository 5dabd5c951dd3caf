// Programs that npm does not carry: found on the PATH, or installed where that is one plain command.
// A missing one fails the tests with a sentence, unless the caller left it out by name: NOCLOBBER_WITHOUT=chromium,redis,postgresql
import { execFile } from 'node:child_process'
import { access, constants, mkdir, readdir, realpath, rm, stat } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { waitFor } from './wait-for.ts'

/** A service that a run may be without. */
export type Service = 'redis' | 'chromium' | 'pgbouncer' | 'nginx' | 'postgresql' | 'python3'

/** For `describe.skipIf(isWithout('redis'))`: true only where the caller said so. */
export const isWithout = (service: Service): boolean =>
  (process.env.NOCLOBBER_WITHOUT ?? '').split(',').includes(service)

/** Folders in which programs are looked for. */
type Folders = () => Promise<string[]>

const path: Folders = async () => (process.env.PATH ?? '').split(delimiter)

/** The path of the first of `names` that is installed; on Debian root installs `aptPackage`, which has it. */
export async function findProgram(
  service: Service,
  names: string[],
  aptPackage: string,
  folders: Folders = path,
): Promise<string> {
  const find = () => findIn(folders, names)
  const found = (await find()) ?? (await installed(find, aptPackage))
  if (found !== null) return found
  throw new Error(
    `The tests need ${service}, and none of ${names.join(', ')} is on the PATH. ` +
      `Install it (Debian: apt-get install ${aptPackage}), or leave its tests out: npm test -- --without=${service}`,
  )
}

/** PostgreSQL's own programs are not on Debian's PATH: the folder of the newest version, with its server and its tools. */
export async function postgresFolder(): Promise<string> {
  const versions: Folders = async () => {
    const found = await readdir('/usr/lib/postgresql').catch(() => [])
    const ofDebian = found.toSorted((one, other) => Number(other) - Number(one))
    return [...ofDebian.map((version) => join('/usr/lib/postgresql', version, 'bin')), ...(await path())]
  }
  return dirname(await realpath(await findProgram('postgresql', ['initdb'], 'postgresql', versions)))
}

async function findIn(folders: Folders, names: string[]): Promise<string | null> {
  const all = await folders()
  for (const path of names.flatMap((name) => all.map((folder) => join(folder, name)))) {
    const runs = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (runs) return path
  }
  return null
}

/** apt has one lock for all packages, and so have we: this folder. One that was left behind counts for some minutes. */
const LOCK = '/tmp/noclobber-apt'
const LOCK_MS = 300_000

/** One file at a time; a process that waited looks again first. */
async function installed(find: () => Promise<string | null>, aptPackage: string): Promise<string | null> {
  if (process.getuid?.() !== 0 || (await findIn(path, ['apt-get'])) === null) return null
  const isMine = () =>
    mkdir(LOCK).then(
      () => true,
      () => false,
    )
  const isLeft = async () => {
    const lock = await stat(LOCK).catch(() => null)
    return lock !== null && Date.now() - lock.mtimeMs > LOCK_MS
  }
  const found = await waitFor(
    async () => {
      if (await isMine()) return { path: await find() }
      if (await isLeft()) await rm(LOCK, { recursive: true, force: true })
      return null
    },
    { what: 'other processes to install their packages', deadlineMs: LOCK_MS },
  )
  try {
    if (found.path !== null) return found.path
    const run = promisify(execFile)
    await run('apt-get', ['update', '-qq'])
    const options = ['-y', '-qq', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=120']
    await run('apt-get', ['install', ...options, aptPackage], {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    })
    return await find()
  } catch {
    return null
  } finally {
    await rm(LOCK, { recursive: true, force: true })
  }
}

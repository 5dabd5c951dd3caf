// Programs that npm does not carry: found on the PATH, or installed where that is one plain command.
// A missing one fails the tests with a sentence, unless the caller left it out by name: NOCLOBBER_WITHOUT=chromium,redis,pgbouncer
import { execFile } from 'node:child_process'
import { access, constants, mkdir, rm } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { waitFor } from './wait-for.ts'

/** A service that a run may be without. */
export type Service = 'redis' | 'chromium' | 'pgbouncer'

/** For `describe.skipIf(isWithout('redis'))`: true only where the caller said so. */
export const isWithout = (service: Service): boolean =>
  (process.env.NOCLOBBER_WITHOUT ?? '').split(',').includes(service)

/** The path of the first of `names` that is installed; on Debian root installs `aptPackage`, which has it. */
export async function findProgram(service: Service, names: string[], aptPackage: string): Promise<string> {
  const found = (await onPath(names)) ?? (await installed(names, aptPackage))
  if (found !== null) return found
  throw new Error(
    `The tests need ${service}, and none of ${names.join(', ')} is on the PATH. ` +
      `Install it (Debian: apt-get install ${aptPackage}), or leave its tests out: npm test -- --without=${service}`,
  )
}

async function onPath(names: string[]): Promise<string | null> {
  const folders = (process.env.PATH ?? '').split(delimiter)
  for (const path of names.flatMap((name) => folders.map((folder) => join(folder, name)))) {
    const runs = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (runs) return path
  }
  return null
}

/** One file at a time: the folder is the lock. */
async function installed(names: string[], aptPackage: string): Promise<string | null> {
  if (process.getuid?.() !== 0 || (await onPath(['apt-get'])) === null) return null
  const lock = `/tmp/noclobber-apt-${aptPackage}`
  const isMine = await mkdir(lock).then(
    () => true,
    () => false,
  )
  if (!isMine)
    return waitFor(() => onPath(names), {
      what: `another process to install ${aptPackage}`,
      deadlineMs: 120_000,
    })
  try {
    const run = promisify(execFile)
    await run('apt-get', ['update', '-qq'])
    await run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', aptPackage])
    return await onPath(names)
  } catch {
    return null
  } finally {
    await rm(lock, { recursive: true })
  }
}

// The account that the embedded PostgreSQL runs under, and how its programs are run.
// PostgreSQL refuses to run as root: root hands it to an unprivileged uid, everybody else keeps their own.
import { spawn } from 'node:child_process'
import { chown, lstat, open, realpath, stat } from 'node:fs/promises'
import { platform, userInfo } from 'node:os'
import { dirname } from 'node:path'

/** Who runs the programs; `null`: the account that runs Node. */
export type ServerAccount = { uid: number; gid: number } | null

/** The database's superuser in an embedded cluster. */
export const EMBEDDED_USER = 'postgres'

const NOBODY = { uid: 65534, gid: 65534 }
const STICKY = 0o1000

/** The uid that runs Node; -1 where the system has none (Windows, a uid without a passwd entry). */
export function ownUid(): number {
  try {
    return userInfo().uid
  } catch {
    return -1
  }
}

/** The account for a cluster: its owner's if it is there already, else `nobody` for root and one's own for others. */
export async function accountFor(clusterDir: string): Promise<ServerAccount> {
  if (ownUid() !== 0) return null
  const owner = await stat(clusterDir).catch(() => null)
  return owner !== null && owner.uid !== 0 ? { uid: owner.uid, gid: owner.gid } : NOBODY
}

/** Gives a file or folder to the account that is to work in it. */
export async function giveTo(account: ServerAccount, path: string): Promise<void> {
  if (account !== null) await chown(path, account.uid, account.gid)
}

/**
 * Writes a file that its account alone reads and that is not there yet: a link that somebody has put in its place is not
 * followed, neither for writing nor for the owner.
 */
export async function writePrivately(account: ServerAccount, path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(text)
    if (account !== null) await file.chown(account.uid, account.gid)
  } finally {
    await file.close()
  }
}

/** A folder of one's own that nobody else writes to, and no link to one. Windows has no such owners. */
export async function isOwnFolder(path: string): Promise<boolean> {
  const found = await lstat(path).catch(() => null)
  if (!found?.isDirectory()) return false
  return platform() === 'win32' || (found.uid === ownUid() && (found.mode & 0o022) === 0)
}

/** Whether what stands in a folder can be replaced by others than its owner. */
export async function isOpenToOthers(path: string): Promise<boolean> {
  const { mode } = await stat(path)
  return platform() !== 'win32' && (mode & 0o022) !== 0 && (mode & STICKY) === 0
}

/** Whether the account may walk into a folder: root's home is closed to the uid that root hands the server to. */
export async function canReach(account: ServerAccount, dir: string): Promise<boolean> {
  if (account === null) return true
  for (let at = await realpath(dir); ; at = dirname(at)) {
    const { uid, gid, mode } = await stat(at)
    const needed = uid === account.uid ? 0o100 : gid === account.gid ? 0o010 : 0o001
    if ((mode & needed) === 0) return false
    if (at === dirname(at)) return true
  }
}

/**
 * Runs one of PostgreSQL's programs to its end, answers its exit code and all that it printed.
 * The environment is empty but for English messages: a stray `PGDATA` or `LANG` must not steer it.
 */
export function runProgram(
  account: ServerAccount,
  file: string,
  args: string[],
): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      cwd: dirname(file),
      env: { LC_ALL: 'C' },
      stdio: ['ignore', 'pipe', 'pipe'],
      windowsHide: true,
      ...account,
    })
    let output = ''
    child.stdout.on('data', (chunk) => (output += chunk))
    child.stderr.on('data', (chunk) => (output += chunk))
    child.on('close', (code) => resolve({ code, output: output.trim() }))
    child.on('error', (cause: NodeJS.ErrnoException) => reject(new Error(whyNotRun(file, cause), { cause })))
  })
}

function whyNotRun(file: string, { code, message }: NodeJS.ErrnoException): string {
  if (code === 'ENOENT')
    return `${file} does not run here: it needs glibc, which Alpine and other musl systems lack. Set DATABASE_URL to a PostgreSQL of your own.`
  if (code === 'EACCES')
    return `${file} may not be run: is its folder mounted "noexec"? Point TMPDIR at a folder that allows programs, or set DATABASE_URL.`
  if (code === 'EPERM')
    return `Root may not change to an unprivileged user here, and PostgreSQL does not run as root. Run Node as an ordinary user, or set DATABASE_URL.`
  return `${file} could not be run (${message}). Set DATABASE_URL to use a PostgreSQL of your own.`
}

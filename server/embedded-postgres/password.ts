// The password of an embedded server: in a file that only its account reads, and new at each start of the server.
// Invariant: at any moment one of the two files holds the password that the server knows, whichever process is killed in between.
import { readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Client } from 'pg'
import { type Cluster, newPassword } from './data-dir.ts'
import { EMBEDDED_USER, writePrivately } from './os-account.ts'

const fileIn = (dir: string) => join(dir, 'noclobber.password')
/** Written before the server learns it, renamed after. */
const nextIn = (dir: string) => join(dir, 'noclobber.password.next')

const read = async (path: string) => (await readFile(path, 'utf8')).trim()

/** The server's password, and the one that it may have been given just before its maker was killed. */
export async function passwordsOf({ dir }: Cluster): Promise<string[]> {
  const next = await read(nextIn(dir)).catch(() => null)
  return [await read(fileIn(dir)), ...(next ? [next] : [])]
}

/** The password of the file, as it is now. */
export const passwordOf = ({ dir }: Cluster): Promise<string> => read(fileIn(dir))

/** The server took what was to be its next password: it is the one from now on. */
export const keepNext = ({ dir }: Cluster): Promise<void> => rename(nextIn(dir), fileIn(dir))

/** Gives the server a new password. Call it while nobody else can have read the old one for a connection of their own. */
export async function renewPassword({ dir, account }: Cluster, client: Client): Promise<string> {
  const password = newPassword()
  await rm(nextIn(dir), { force: true })
  await writePrivately(account, nextIn(dir), `${password}\n`)
  // Whatever `durable` says: a server that is killed now must not come back with the password of before, which no file holds then.
  await client.query('set synchronous_commit = on')
  await client.query(`alter role ${EMBEDDED_USER} password '${password}'`)
  await rename(nextIn(dir), fileIn(dir))
  return password
}

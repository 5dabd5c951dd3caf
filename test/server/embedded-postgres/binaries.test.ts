// PostgreSQL's programs are copied once, by whichever of several processes is first: what one of them runs already no other moves.
import { access, chmod, mkdtemp, readdir, rm, stat, unlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { postgresBinaries } from '../../../server/embedded-postgres/binaries.ts'

/** A temporary folder of the test's own. */
const ownTmpdir = async () => {
  const dir = await mkdtemp(join(tmpdir(), 'noclobber-binaries-'))
  await chmod(dir, 0o755)
  const before = process.env.TMPDIR
  process.env.TMPDIR = dir
  onTestFinished(async () => {
    if (before === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = before
    await rm(dir, { recursive: true, force: true })
  })
  return dir
}

/** The copy that is there when they are found, as the file system knows it. */
const find = async () => {
  const { initdb } = await postgresBinaries(null)
  await access(initdb)
  return (await stat(dirname(initdb))).ino
}

test('a copy that is in use stays where it is while others make theirs', async () => {
  const dir = await ownTmpdir()
  const found = await Promise.all(Array.from({ length: 6 }, find))
  expect(new Set(found).size).toBe(1)
  expect(await readdir(dir)).toHaveLength(1)
})

test('a copy of which something was removed is made anew', { tags: 'full' }, async () => {
  const dir = await ownTmpdir()
  const whole = await find()
  await unlink((await postgresBinaries(null)).initdb)
  expect(await find()).not.toBe(whole)
  expect(await readdir(dir)).toHaveLength(1)
})

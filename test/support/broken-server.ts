// The server with one line made wrong: a copy of its sources, patched as text and loaded beside the real one. What is
// published knows nothing of it. A patch that no longer fits its file fails the test that uses it.
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { atEnd } from './at-end.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** One place in one file. */
export interface Patch {
  /** From the root: `server/origin.ts`. */
  file: string
  from: string
  to: string
}

/** Loads the server with this patch. */
export async function breakServer({ file, from, to }: Patch): Promise<typeof import('noclobber/server')> {
  const dir = await mkdtemp(join(tmpdir(), 'noclobber-broken-'))
  atEnd(() => rm(dir, { recursive: true, force: true }))
  for (const side of ['server', 'migrations'])
    await cp(join(root, side), join(dir, side), { recursive: true })
  await symlink(join(root, 'node_modules'), join(dir, 'node_modules'))
  await symlink(join(root, 'package.json'), join(dir, 'package.json'))
  await symlink(join(root, 'tsconfig.base.json'), join(dir, 'tsconfig.base.json'))
  const path = join(dir, file)
  const text = await readFile(path, 'utf8')
  if (text.split(from).length !== 2) throw new Error(`${file} does not hold exactly once: ${from}`)
  await writeFile(
    path,
    text.replace(from, () => to),
  )
  return import(/* @vite-ignore */ join(dir, 'server/index.ts'))
}

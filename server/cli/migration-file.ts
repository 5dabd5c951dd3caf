// Writes a migration of the embedding app, in the kind of file that its package runs. Invariant: a file that is there is
// never overwritten.
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { knexMigration, type Migration, stamp } from '../setup/migration-text.ts'
import type { Terminal } from './command.ts'

/** Does the package that the folder is in hold ECMAScript modules? */
const isModule = async (folder: string): Promise<boolean> => {
  for (let at = folder; ; at = dirname(at)) {
    const text = await readFile(join(at, 'package.json'), 'utf8').catch(() => null)
    if (text !== null) return JSON.parse(text).type === 'module'
    if (dirname(at) === at) return false
  }
}

/** A migration of this name that is there already: to run it twice would hide a mistake. */
const existing = async (folder: string, name: string): Promise<string | undefined> =>
  (await readdir(folder)).find((file) => /^\d+_/.test(file) && file.replace(/^\d+_|\.\w+$/g, '') === name)

/** Makes `DIR/20261121093000_name.js`, or `.ts`, and gives its path from the working directory. `isAnother`: beside one of the same name. */
export const writeMigration = async (
  { cwd }: Terminal,
  {
    dir,
    name,
    typescript,
    migration,
    isAnother = false,
  }: { dir: string; name: string; typescript: boolean; migration: Migration; isAnother?: boolean },
): Promise<string> => {
  const folder = resolve(cwd, dir)
  await mkdir(folder, { recursive: true })
  const there = isAnother ? undefined : await existing(folder, name)
  if (there)
    throw new Error(
      `${join(dir, there)} is there already, and nothing was written. Edit it, or delete it first.`,
    )
  const path = join(folder, `${stamp(new Date())}_${name}.${typescript ? 'ts' : 'js'}`)
  const form = typescript ? 'ts' : (await isModule(folder)) ? 'mjs' : 'cjs'
  await writeFile(path, knexMigration(migration, form), { flag: 'wx' })
  return relative(cwd, path)
}

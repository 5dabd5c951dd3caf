// Writes a migration of the embedding app, in the kind of file that its package runs. Invariant: a file that is there is
// never overwritten.
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import type { Terminal } from './command.ts'

/** What is imported from `noclobber/migrations`, and what goes up and down; `head`: lines before them. */
export interface Migration {
  imports: string[]
  head?: { comment: string; name: string; value: string }
  up: string
  down: { comment?: string; value: string | null }
}

const DOOR = 'noclobber/migrations'

const stamp = (now: Date) => now.toISOString().replace(/\D/g, '').slice(0, 14)

/** Does the package that the folder is in hold ECMAScript modules? */
const isModule = async (folder: string): Promise<boolean> => {
  for (let at = folder; ; at = dirname(at)) {
    const text = await readFile(join(at, 'package.json'), 'utf8').catch(() => null)
    if (text !== null) return JSON.parse(text).type === 'module'
    if (dirname(at) === at) return false
  }
}

const asModule = ({ imports, head, up, down }: Migration, typescript: boolean) => {
  const knex = typescript ? 'knex: Knex' : 'knex'
  return [
    `import { ${imports.join(', ')} } from '${DOOR}'`,
    ...(typescript ? [`import type { Knex } from 'knex'`] : []),
    '',
    ...(head ? [`// ${head.comment}`, `export const ${head.name} = ${head.value}`, ''] : []),
    `export const up = (${knex}) => ${up}`,
    ...(down.comment ? ['', `// ${down.comment}`] : []),
    `export const down = ${down.value === null ? 'async () => {}' : `(${knex}) => ${down.value}`}`,
  ]
}

/** CommonJS takes a module in by `import()`. */
const asCommonJs = ({ head, up, down }: Migration) => {
  const call = (value: string) => `async (knex) => (await import('${DOOR}')).${value}`
  return [
    ...(head ? [`// ${head.comment}`, `exports.${head.name} = ${head.value}`, ''] : []),
    `exports.up = ${call(up)}`,
    ...(down.comment ? ['', `// ${down.comment}`] : []),
    `exports.down = ${down.value === null ? 'async () => {}' : call(down.value)}`,
  ]
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
  const lines =
    typescript || (await isModule(folder)) ? asModule(migration, typescript) : asCommonJs(migration)
  await writeFile(path, `${lines.join('\n')}\n`, { flag: 'wx' })
  return relative(cwd, path)
}

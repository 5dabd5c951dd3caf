// Writes a migration of the embedding app. Invariant: a file that is there is never overwritten.
import { mkdir, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import type { Terminal } from './command.ts'

const stamp = (now: Date) => now.toISOString().replace(/\D/g, '').slice(0, 14)

/** Makes `DIR/20261121093000_name.js`, or `.ts`, and gives its path from the working directory. */
export const writeMigration = async (
  { cwd }: Terminal,
  { dir, name, typescript, lines }: { dir: string; name: string; typescript: boolean; lines: string[] },
): Promise<string> => {
  const folder = join(cwd, dir)
  await mkdir(folder, { recursive: true })
  const path = join(folder, `${stamp(new Date())}_${name}.${typescript ? 'ts' : 'js'}`)
  await writeFile(path, `${lines.join('\n')}\n`, { flag: 'wx' })
  return relative(cwd, path)
}

// The project's own files as the architecture tests read them: as text, with the imports that stand in it.
import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** One import or re-export. */
export interface Import {
  /** As written. */
  from: string
  /** The file that it means, from the root; `null` for packages and doors. */
  file: string | null
}

export const root = fileURLToPath(new URL('../..', import.meta.url))

export const textOf = (path: string): string => readFileSync(join(root, path), 'utf8')

/** Paths of all files that belong to the project: what git tracks, and what it would track. */
export async function projectFiles(): Promise<string[]> {
  const list = ['ls-files', '--cached', '--others', '--exclude-standard']
  const { stdout } = await promisify(execFile)('git', list, { cwd: root, maxBuffer: 1 << 24 })
  return stdout.split('\n').filter((path) => path !== '' && existsSync(join(root, path)))
}

/** TypeScript of the library and the demo. */
export async function sourceFiles(): Promise<string[]> {
  return (await projectFiles()).filter((path) => /^(server|web|testing|migrations)\/.*\.tsx?$/.test(path))
}

/** Without comments: a name in a sentence is no use of it. */
export const codeOf = (path: string): string =>
  textOf(path)
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/(^|\s)\/\/.*$/gm, '$1')

const IMPORT =
  /(?:^|\n)\s*(?:import|export)\b(?:[^'";]*?\bfrom)?\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/g

export function importsOf(path: string): Import[] {
  return [...codeOf(path).matchAll(IMPORT)].map((match) => {
    const from = match[1] ?? match[2] ?? ''
    return { from, file: from.startsWith('.') ? posix.join(posix.dirname(path), from) : null }
  })
}

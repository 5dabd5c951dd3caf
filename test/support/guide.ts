// The code of the guides, as it stands there: blocks whose first line names a file, written where a test can run them.
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { atEnd } from './at-end.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** A block of code of a page. */
export interface Block {
  /** `ts`, `tsx`, `js`, `prisma` … */
  language: string
  /** Of its first line, `// records.ts: …`; else null. */
  file: string | null
  code: string
}

/** All blocks of a page, in order. */
export async function blocksOf(page: string): Promise<Block[]> {
  const text = await readFile(join(root, page), 'utf8')
  return [...text.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language = '', code = '']) => ({
    language,
    code,
    file: /^(?:\/\/|--|<!--) ([\w.-]+\.\w+)\b/.exec(code)?.[1] ?? null,
  }))
}

/** The named files of a page in a folder below this tree, so that they find what they import; gone at the end of the file. */
export async function writeGuide(page: string, files: string[]): Promise<string> {
  const blocks = await blocksOf(page)
  const parent = join(root, '.noclobber/guides')
  await mkdir(parent, { recursive: true })
  const folder = await mkdtemp(join(parent, 'guide-'))
  atEnd(() => rm(folder, { recursive: true, force: true }))
  for (const name of files) {
    const block = blocks.find(({ file }) => file === name)
    if (!block) throw new Error(`${page} has no ${name}`)
    await writeFile(join(folder, name), block.code)
  }
  return folder
}

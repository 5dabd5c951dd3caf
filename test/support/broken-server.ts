// The server with one line made wrong: its sources, one of them patched as text, bundled and loaded beside the real ones.
// What is published knows nothing of it. A patch that no longer fits its file fails the test that uses it.
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'
import { atEnd } from './at-end.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** One place in one file. */
export interface Patch {
  /** From the root: `server/http/origin.ts`. */
  file: string
  from: string
  to: string
}

/** Loads the server with this patch. */
export async function breakServer({ file, from, to }: Patch): Promise<typeof import('noclobber/server')> {
  const path = join(root, file)
  const text = await readFile(path, 'utf8')
  if (text.split(from).length !== 2) throw new Error(`${file} does not hold exactly once: ${from}`)
  // Below node_modules, so that the bundle finds what it imports.
  const outDir = await mkdtemp(join(root, 'node_modules', 'noclobber-broken-'))
  atEnd(() => rm(outDir, { recursive: true, force: true }))
  let isPatched = false
  await build({
    configFile: false,
    logLevel: 'error',
    plugins: [
      {
        name: 'one-wrong-line',
        load: (id) => {
          if (id !== path) return null
          isPatched = true
          return text.replace(from, () => to)
        },
      },
    ],
    build: {
      ssr: join(root, 'server/index.ts'),
      outDir,
      rolldownOptions: { output: { entryFileNames: 'server.mjs' } },
    },
  })
  if (!isPatched) throw new Error(`${file} is no part of the server.`)
  return import(/* @vite-ignore */ join(outDir, 'server.mjs'))
}

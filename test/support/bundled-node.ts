// A node of the toolkit as one file that Node runs by itself, made from a file of this folder and the sources.

import { rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'
import { atEnd } from './at-end.ts'
import { besideSource } from './beside-source.ts'

/** The path of the bundle, which lies below node_modules, so that it finds what it imports. Gone at the end of the file. */
export const bundleOf = async (name: string): Promise<string> => {
  const outDir = fileURLToPath(
    new URL(`../../node_modules/.cache/noclobber/${name}-${process.pid}`, import.meta.url),
  )
  await build({
    configFile: false,
    logLevel: 'error',
    plugins: [besideSource],
    build: {
      ssr: fileURLToPath(new URL(`./${name}.ts`, import.meta.url)),
      outDir,
      rolldownOptions: { output: { entryFileNames: 'node.mjs' } },
    },
  })
  atEnd(() => rm(outDir, { recursive: true, force: true }))
  return `${outDir}/node.mjs`
}

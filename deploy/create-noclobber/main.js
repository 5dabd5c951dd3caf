#!/usr/bin/env node
// `npm create noclobber my-app`: `noclobber new my-app`, of exactly the version that this package has.
import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const manifest = createRequire(import.meta.url).resolve('noclobber/package.json')
const { bin } = JSON.parse(await readFile(manifest, 'utf8'))
const given = process.argv.slice(2)
if (given.length === 0) {
  console.error('Name a new folder: npm create noclobber my-app')
  process.exitCode = 2
} else {
  const program = join(dirname(manifest), bin.noclobber)
  const child = spawn(process.execPath, [program, 'new', ...given], { stdio: 'inherit' })
  child.on('close', (code) => {
    process.exitCode = code ?? 1
  })
}

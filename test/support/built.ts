// The package as it is built in dist/, for what runs it as its users do.
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const root = fileURLToPath(new URL('../..', import.meta.url))
let building: Promise<unknown> | undefined

/** Builds what isn't built; once for all files of a worker. */
export const buildPackage = (): Promise<unknown> =>
  (building ??= promisify(execFile)(process.execPath, ['scripts/build.js'], { cwd: root }))

#!/usr/bin/env node
// The program behind `npx noclobber`: hands the process's own things to the command line. Of the library this file
// alone touches the process.
import { createInterface } from 'node:readline/promises'
import { setTimeout as pause } from 'node:timers/promises'

/** A signal within this time is the first Ctrl-C again: npx, yarn and the like receive it too, and forward it. */
const SAME_MS = 300
/** How long a command may take to end by itself, with its last output. */
const END_MS = 2_000
const ORPHAN_CHECK_MS = 500

const program = globalThis.process
const [major = 0, minor = 0] = program.versions.node.split('.').map(Number)
if (major < 20 || (major === 20 && minor < 19)) {
  program.stderr.write(
    `noclobber needs Node 20.19 or later, and this is ${program.versions.node}: update Node.\n`,
  )
  program.exit(2)
}
// An older Node can't even load it.
const { runCommand } = await import('./run.ts')
const stopping = new AbortController()
let sameUntil = Number.POSITIVE_INFINITY
for (const [signal, exitCode] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)
  program.on(signal, () => {
    const now = performance.now()
    if (now > sameUntil) program.exit(exitCode)
    if (sameUntil < Number.POSITIVE_INFINITY) return
    sameUntil = now + SAME_MS
    stopping.abort()
    setTimeout(() => program.exit(exitCode), END_MS).unref()
  })

// npx starts a shell that starts this: a SIGTERM to npx ends only the shell, so an orphan stops itself.
const parent = program.ppid
const stopOrphan = () => program.ppid !== parent && stopping.abort()
if (program.env.npm_lifecycle_event === 'npx') setInterval(stopOrphan, ORPHAN_CHECK_MS).unref()

// A reader that has seen enough (`| head`) ends the writing.
program.stdout.on('error', () => stopping.abort())

/** Where somebody sits at a terminal. Enter is a yes. */
const ask = async (question: string) => {
  const lines = createInterface({ input: program.stdin, output: program.stdout })
  const answer = await lines
    .question(`${question} [Y/n] `, { signal: stopping.signal })
    .finally(() => lines.close())
  return !/^\s*n/i.test(answer)
}

const exitCode = await runCommand(program.argv.slice(2), {
  out: (line) => program.stdout.write(`${line}\n`),
  err: (line) => program.stderr.write(`${line}\n`),
  ...(program.stdin.isTTY && program.stdout.isTTY && { ask }),
  onInputEnd: (listener) => void program.stdin.once('end', listener),
  env: program.env,
  cwd: program.cwd(),
  signal: stopping.signal,
})
// A forwarded signal would kill the ending process, and a success would look like a failure.
if (sameUntil < Number.POSITIVE_INFINITY) await pause(sameUntil - performance.now())
program.exitCode = exitCode

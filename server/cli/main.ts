#!/usr/bin/env node
// The program behind `npx noclobber`: hands the process's own things to the command line. Of the library this file
// alone touches the process.
import { setTimeout as pause } from 'node:timers/promises'
import { runCommand } from './run.ts'

/** A second Ctrl-C comes no sooner. What does is the first one again: npx, yarn and the like heard it too, and hand it on. */
const SAME_MS = 300
/** For a command to end by itself, with what it has to say. */
const END_MS = 2_000
const ORPHAN_CHECK_MS = 500

const program = globalThis.process
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

// npx starts a shell that starts this: a SIGTERM to npx ends the shell, and nobody would be left to end what it started.
const parent = program.ppid
const stopOrphan = () => program.ppid !== parent && stopping.abort()
if (program.env.npm_lifecycle_event === 'npx') setInterval(stopOrphan, ORPHAN_CHECK_MS).unref()

// A reader that has seen enough (`| head`) ends the writing.
program.stdout.on('error', () => stopping.abort())

const exitCode = await runCommand(program.argv.slice(2), {
  out: (line) => program.stdout.write(`${line}\n`),
  err: (line) => program.stderr.write(`${line}\n`),
  env: program.env,
  cwd: program.cwd(),
  signal: stopping.signal,
})
// Handed on while the process ends, the signal would kill it, and what ended well would look as if it hadn't.
if (sameUntil < Number.POSITIVE_INFINITY) await pause(sameUntil - performance.now())
program.exitCode = exitCode

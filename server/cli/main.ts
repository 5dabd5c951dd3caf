#!/usr/bin/env node
// The program behind `npx noclobber`: hands the process's own things to the command line. Of the library this file
// alone touches the process.
import { runCommand } from './run.ts'

const program = globalThis.process
const stopping = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) program.once(signal, () => stopping.abort())
// A reader that has seen enough (`| head`) ends the writing.
program.stdout.on('error', () => stopping.abort())

program.exitCode = await runCommand(program.argv.slice(2), {
  out: (line) => program.stdout.write(`${line}\n`),
  err: (line) => program.stderr.write(`${line}\n`),
  env: program.env,
  cwd: program.cwd(),
  signal: stopping.signal,
})

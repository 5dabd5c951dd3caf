// Finds the command, reads its options, runs it, and reports errors. Invariant: every outcome is an exit code, and every
// error a sentence; a wrong call has no partial effect.
import { parseArgs } from 'node:util'
import { printable } from '../protocol/hidden-characters.ts'
import { create, remove, set } from './api-writes.ts'
import { changes } from './changes.ts'
import {
  type Command,
  EXIT,
  type ExitCode,
  type Terminal,
  UnreachableError,
  UsageError,
  type Values,
} from './command.ts'
import { doctor } from './doctor.ts'
import { init } from './init.ts'
import { erase, prune, restored, retention } from './log-upkeep.ts'
import { mcp } from './mcp.ts'
import { newApp } from './new.ts'
import { sql } from './sql.ts'
import { status } from './status.ts'
import { track } from './track.ts'
import { uninstall, untrack } from './untrack.ts'

const COMMANDS: Command[] = [
  ...[newApp, init, track, untrack, sql, status, doctor, changes, prune, retention, erase, restored],
  ...[create, set, remove, uninstall, mcp],
]

const OVERVIEW = [
  'Usage: noclobber COMMAND [options]',
  '',
  ...COMMANDS.map(({ name, summary }) => `  ${name.padEnd(11)}${summary}`),
  '',
  'Every command takes --help, and --json for programs.',
  'Exit codes: 0 done · 1 problems found, or refused · 2 wrong usage · 3 database or server not reachable',
]

const helpOf = ({ name, usage, summary, help }: Command) => {
  const end = help.includes('') ? help.indexOf('') : help.length
  return [
    `Usage: noclobber ${name} ${usage}`.trimEnd(),
    `${summary[0]?.toUpperCase()}${summary.slice(1)}.`,
    '',
    ...help.slice(0, end),
    '  --json           for programs',
    ...help.slice(end),
  ]
}

const parse = (command: Command, args: string[]) => {
  try {
    return parseArgs({ args, options: command.options, allowPositionals: true, strict: true })
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

/** Names, ids, values and errors come from others: none of them may move the cursor, end a line or hide text. */
const withPrintable = (terminal: Terminal): Terminal => ({
  ...terminal,
  out: (line) => terminal.out(printable(line)),
  err: (line) => terminal.err(printable(line)),
})

/** Runs one command line, without the program's name. Whatever it prints is printable. */
export const runCommand = async (args: string[], given: Terminal): Promise<ExitCode> => {
  const terminal = withPrintable(given)
  const [name = '', ...rest] = args
  const command = COMMANDS.find((known) => known.name === (name === 'help' ? rest[0] : name))
  if (!command) {
    const isAsked =
      args.length > 0 && (['--help', '-h'].includes(name) || (name === 'help' && rest.length === 0))
    const asked = name === 'help' ? rest[0] : name
    if (!isAsked && asked) terminal.err(`There is no command ${asked}.`)
    for (const line of OVERVIEW) isAsked ? terminal.out(line) : terminal.err(line)
    return isAsked ? EXIT.done : EXIT.usage
  }
  try {
    const { values, positionals } = parse(command, name === 'help' ? ['--help'] : rest)
    if (values.help) {
      for (const line of helpOf(command)) terminal.out(line)
      return EXIT.done
    }
    return await command.run(terminal, values as Values, positionals)
  } catch (error) {
    terminal.err(error instanceof Error ? error.message : String(error))
    if (error instanceof UsageError) {
      terminal.err(`See: noclobber ${command.name} --help`)
      return EXIT.usage
    }
    return error instanceof UnreachableError ? EXIT.unreachable : EXIT.refused
  }
}

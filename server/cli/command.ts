// The interface of a command, and its surroundings. Invariant: a command touches only its terminal and the database or
// server it was given; it never ends the process.
import type { ParseArgsConfig } from 'node:util'

/** Where a command runs and prints. */
export interface Terminal {
  /** One line on standard output. */
  out(line: string): void
  /** One line on standard error. */
  err(line: string): void
  /** Asks somebody for a yes; left out where nobody is there to answer. */
  ask?(question: string): Promise<boolean>
  /** Called where standard input ends. */
  onInputEnd?(listener: () => void): void
  env: Record<string, string | undefined>
  cwd: string
  /** Aborted by Ctrl-C. */
  signal: AbortSignal
}

/** Done · problems found, or refused · wrong usage · the database or the server can't be reached. */
export const EXIT = { done: 0, refused: 1, usage: 2, unreachable: 3 } as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** Option values by name, as `node:util` parses them. */
export type Values = Record<string, string | boolean | string[] | undefined>

export interface Command {
  name: string
  /** Behind the name: `TABLE [--tenant COLUMN]`. */
  usage: string
  /** One line of the overview. */
  summary: string
  /** Lines of its own help, behind the usage. */
  help: string[]
  options: NonNullable<ParseArgsConfig['options']>
  run(terminal: Terminal, values: Values, positionals: string[]): Promise<ExitCode>
}

/** The command was called wrongly; the message says how. */
export class UsageError extends Error {
  override name = 'UsageError'
}

/** What can't be reached, and the next step. */
export class UnreachableError extends Error {
  override name = 'UnreachableError'
}

/** A text option. */
export const text = (values: Values, name: string): string | undefined => {
  const value = values[name]
  return typeof value === 'string' ? value : undefined
}

/** A text option with several parts: `--lists project_id,client_id`. */
export const list = (values: Values, name: string): string[] =>
  text(values, name)
    ?.split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '') ?? []

/** A whole number from `least` on. */
export const number = (values: Values, name: string, fallback: number, least = 1): number => {
  const value = text(values, name)
  if (value === undefined) return fallback
  if (!/^\d{1,12}$/.test(value) || Number(value) < least)
    throw new UsageError(`--${name} must be a whole number from ${least} on.`)
  return Number(value)
}

/** The options of every command. */
export const COMMON = {
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const

/** The option of commands that work on the database itself. */
export const DATABASE = { database: { type: 'string' } } as const

export const DATABASE_HELP = '  --database URL   the database; default: DATABASE_URL, also of .env'

// The app's logger, as the toolkit uses it; the console where the app gives none.
// Invariant: whatever the logger does, the caller goes on; and a line says its message and its error, in whichever order and
// form the logger takes them. On the console nothing of a client's forges a line.
import { inspect } from 'node:util'
import { printable } from '../protocol/hidden-characters.ts'

/** The logger of the app: pino, winston, console and most others fit. An error is in the details as `err`. */
export interface Logger {
  /** What is worth knowing: starts, stops, migrations of the log. */
  info(details: object, message: string): void
  /** What somebody should look at, while all is served. */
  warn(details: object, message: string): void
  /** What went wrong on the server's side. `details.err` is the error. */
  error(details: object, message: string): void
}

const quiet = () => {}

/** A logger that writes nothing. */
export const SILENT: Logger = { info: quiet, warn: quiet, error: quiet }

/** Of a stack each line. */
const shown = (details: object): string => inspect(details).split('\n').map(printable).join('\n')

/** Names the library on a console that the whole process writes to. */
const onConsole =
  (level: 'warn' | 'error') =>
  (details: object, message: string): void =>
    // biome-ignore lint/suspicious/noConsole: where an app that gives no logger expects to read it
    console[level](`noclobber: ${message}`, ...(Object.keys(details).length > 0 ? [shown(details)] : []))

/** Warnings and errors on the console. */
const CONSOLE: Logger = { info: quiet, warn: onConsole('warn'), error: onConsole('error') }

/** The logger that an option `log` means: nothing for the console, `null` or `false` for silence. */
export const loggerOf = (given: Logger | null | false | undefined): Logger =>
  given === undefined ? CONSOLE : given || SILENT

type Write = (...parts: unknown[]) => unknown

/** console and winston take the message first; pino, bunyan and most others the details. */
const takesMessageFirst = (logger: object): boolean =>
  logger === console || 'table' in logger || ('transports' in logger && 'configure' in logger)

/** A logger that takes a message first all the same says it, because the details read as a text are the message. */
const readableAs = (details: object, message: string): object =>
  Object.defineProperty({ ...details }, 'toString', { value: () => message, enumerable: false })

/** winston and its like write details as JSON, where an error would be `{}`: its stack and its causes as text. */
const withTexts = (details: object): object =>
  Object.fromEntries(
    Object.entries(details).map(([name, value]) => [name, value instanceof Error ? inspect(value) : value]),
  )

/** The app's logger, so that no call of it throws, rejects or loses its message or its error. */
export const harmlessLogger = (logger: Logger): Logger => {
  if (logger === SILENT || logger === CONSOLE) return logger
  const isMessageFirst = takesMessageFirst(logger)
  const isConsole = 'table' in logger
  const write =
    (level: keyof Logger) =>
    (details: object, message: string): void => {
      try {
        // Looked up each time: loggers change their methods with their level.
        const method: unknown = logger[level] ?? logger.error ?? logger.info
        if (typeof method !== 'function') return
        const parts = isMessageFirst
          ? [message, isConsole ? details : withTexts(details)]
          : [readableAs(details, message), message]
        const written = (method as Write).apply(logger, parts)
        if (written instanceof Promise) written.catch(quiet)
      } catch {
        // There is nothing left to log it with.
      }
    }
  return { info: write('info'), warn: write('warn'), error: write('error') }
}

// The app's logger, as the toolkit uses it, or none.
// Invariant: whatever the logger does, the caller goes on; and a line says its message, in whichever order the logger takes it.

/** The logger of the app: pino, winston, console and most others fit. */
export interface Logger {
  info(details: object, message: string): void
  warn(details: object, message: string): void
  error(details: object, message: string): void
}

const quiet = () => {}

/** A logger that writes nothing. */
export const SILENT: Logger = { info: quiet, warn: quiet, error: quiet }

type Write = (...parts: unknown[]) => unknown

/** console and winston take the message first; pino, bunyan and most others the details. */
const takesMessageFirst = (logger: object): boolean =>
  logger === console || 'table' in logger || ('transports' in logger && 'configure' in logger)

/** A logger that takes a message first all the same says it, because the details read as a text are the message. */
const readableAs = (details: object, message: string): object =>
  Object.defineProperty({ ...details }, 'toString', { value: () => message, enumerable: false })

/** The app's logger, so that no call of it throws, rejects or loses its message. */
export const harmlessLogger = (logger: Logger): Logger => {
  if (logger === SILENT) return logger
  const isMessageFirst = takesMessageFirst(logger)
  const write =
    (level: keyof Logger) =>
    (details: object, message: string): void => {
      try {
        // Looked up each time: loggers change their methods with their level.
        const method: unknown = logger[level] ?? logger.error ?? logger.info
        if (typeof method !== 'function') return
        const parts = isMessageFirst ? [message, details] : [readableAs(details, message), message]
        const written = (method as Write).apply(logger, parts)
        if (written instanceof Promise) written.catch(quiet)
      } catch {
        // There is nothing left to log it with.
      }
    }
  return { info: write('info'), warn: write('warn'), error: write('error') }
}

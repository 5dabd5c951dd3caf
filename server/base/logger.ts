// What is logged through: the app's own logger, or nothing.

/** What the toolkit logs through: pino, winston, console and most others fit. */
export interface Log {
  info(details: object, message: string): void
  warn(details: object, message: string): void
  error(details: object, message: string): void
}

const quiet = () => {}

/** A log that says nothing. */
export const SILENT: Log = { info: quiet, warn: quiet, error: quiet }

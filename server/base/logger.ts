// The app's logger, as the toolkit uses it, or none.

/** The logger of the app: pino, winston, console and most others fit. */
export interface Logger {
  info(details: object, message: string): void
  warn(details: object, message: string): void
  error(details: object, message: string): void
}

const quiet = () => {}

/** A logger that writes nothing. */
export const SILENT: Logger = { info: quiet, warn: quiet, error: quiet }

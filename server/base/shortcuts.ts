// The shortcuts past libraries' own ways, and the one place where each is turned off.
// Invariant: a shortcut changes speed alone. One whose library has other inner parts than it needs turns itself off, says
// so once in the log, and the library's own way is taken.
import type { Logger } from './logger.ts'

/** Shortcuts past what libraries do, each with the same results as the library's own way. `false` turns one off. */
export interface Shortcuts {
  /** Writes an event's frame, built once, straight into each WebSocket of `ws`. Off: Socket.IO's own `emit` for each. */
  frames: boolean
  /** Sends a prepared statement in one packet of PostgreSQL's protocol. Off: by pg's own `query`. */
  statements: boolean
  /** Finds the busiest routes by one look at the path. Off: by Express's router. */
  routes: boolean
}

/** All of them are on. */
export const DEFAULT_SHORTCUTS = { frames: true, statements: true, routes: true } satisfies Shortcuts

/** One shortcut of one record server. */
export interface Shortcut {
  isOn(): boolean
  /** The library has other inner parts than the shortcut needs. */
  turnOff(): void
}

export const createShortcut = (name: string, isGiven: boolean, log: Logger): Shortcut => {
  let isOn = isGiven
  return {
    isOn: () => isOn,
    turnOff: () => {
      if (!isOn) return
      isOn = false
      log.warn({ shortcut: name }, 'A shortcut is off: its library has other inner parts. All works, slower.')
    },
  }
}

/** @throws Error for a name that is no shortcut, and for a value that is no boolean. */
export const createShortcuts = (
  given: Partial<Shortcuts>,
  log: Logger,
): Readonly<Record<keyof Shortcuts, Shortcut>> => {
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(DEFAULT_SHORTCUTS, name))
      throw new Error(
        `There is no shortcut "${name}". There are ${Object.keys(DEFAULT_SHORTCUTS).join(', ')}.`,
      )
    if (value !== undefined && typeof value !== 'boolean')
      throw new Error(`shortcuts.${name} must be a boolean, not ${value}.`)
  }
  const shortcut = (name: keyof Shortcuts) =>
    createShortcut(name, given[name] ?? DEFAULT_SHORTCUTS[name], log)
  return { frames: shortcut('frames'), statements: shortcut('statements'), routes: shortcut('routes') }
}

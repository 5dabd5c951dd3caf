// Time and the page's own facts (visible, online), as options with real defaults, so that tests can turn the
// hands themselves. Nothing else in web/client reads Date.now, setTimeout, document or navigator.

/** Undoes what returned it. */
export type Stop = () => void

/** Time as the client reads it. */
export interface Clock {
  /** Milliseconds since 1970 on this machine, right or wrong. */
  now(): number
  /** Runs once after `delayMs` and returns what cancels it. */
  after(delayMs: number, run: () => void): Stop
}

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs)
    return () => clearTimeout(timer)
  },
}

/** What the client asks of the page that it runs in. */
export interface Page {
  isVisible(): boolean
  isOnline(): boolean
  /** Nobody has touched the page for five minutes. */
  isIdle?(): boolean
  /** Called when the page becomes visible or hidden, goes online or offline or away, and when somebody is back. */
  onChange(listener: () => void): Stop
}

const IDLE_AFTER_MS = 300_000
const CHANGES = ['online', 'offline', 'pagehide']
const TOUCHES = ['pointerdown', 'pointermove', 'keydown', 'wheel']

/** The browser's page; outside a browser always visible and online. */
export function browserPage(): Page {
  const view = typeof document === 'undefined' ? undefined : document
  const listeners = new Set<() => void>()
  const tell = () => {
    for (const listener of [...listeners]) listener()
  }
  let touchedAt = Date.now()
  const isIdle = () => Date.now() - touchedAt > IDLE_AFTER_MS
  const touch = () => {
    const wasIdle = isIdle()
    touchedAt = Date.now()
    if (wasIdle) tell()
  }
  return {
    isVisible: () => view === undefined || view.visibilityState !== 'hidden',
    isOnline: () => typeof navigator === 'undefined' || navigator.onLine !== false,
    isIdle,
    onChange(listener) {
      if (!view) return () => {}
      if (listeners.size === 0) {
        view.addEventListener('visibilitychange', tell)
        for (const name of CHANGES) window.addEventListener(name, tell)
        for (const name of TOUCHES) window.addEventListener(name, touch, { passive: true, capture: true })
      }
      listeners.add(listener)
      return () => {
        listeners.delete(listener)
        if (listeners.size > 0) return
        view.removeEventListener('visibilitychange', tell)
        for (const name of CHANGES) window.removeEventListener(name, tell)
        for (const name of TOUCHES) window.removeEventListener(name, touch, { capture: true })
      }
    },
  }
}

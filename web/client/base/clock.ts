// Time and the page's state (visible, online, idle) as options with real defaults, so that tests control them.
// Nothing else in web/client reads Date.now, performance.now, setTimeout, document or navigator.

/** Undoes the call that returned it. */
export type Stop = () => void

/** Time as the client reads it. */
export interface Clock {
  /** Milliseconds since 1970 on this machine, right or wrong. */
  now(): number
  /** Milliseconds since some moment, whatever is done to the machine's time of day. Default: `now`. */
  elapsed?(): number
  /** Runs once after `delayMs` and returns what cancels it. */
  after(delayMs: number, run: () => void): Stop
}

/** What durations are measured by. */
export const elapsedOf = (clock: Clock): number => clock.elapsed?.() ?? clock.now()

/** How far the machine's time of day was put back while this page was open, and the latest that was read. */
let setBackMs = 0
let latest = 0

/** The machine's own clock. Put back, it goes on from where it was: what happened stays in the past. */
export const systemClock: Clock = {
  now() {
    setBackMs = Math.max(setBackMs, latest - Date.now())
    latest = Date.now() + setBackMs
    return latest
  },
  elapsed: () => performance.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs)
    return () => clearTimeout(timer)
  },
}

/** What the client asks of the page that it runs in. */
export interface Page {
  /** Somebody may be looking at it. */
  isVisible(): boolean
  /** `false` only where the browser is sure that there is no network. */
  isOnline(): boolean
  /** No input for five minutes. */
  isIdle?(): boolean
  /** Called when the page becomes visible or hidden, goes online or offline, is left, and when an idle user is back. */
  onChange(listener: () => void): Stop
  /** Called when the page is back as it was left, by the browser's back and forward. */
  onRestored?(listener: () => void): Stop
}

const IDLE_AFTER_MS = 300_000
const CHANGES = ['online', 'offline', 'pagehide']
const TOUCHES = ['pointerdown', 'pointermove', 'keydown', 'wheel']

/** The browser's page; outside a browser always visible and online. */
export function browserPage(): Page {
  const view = typeof document === 'undefined' ? undefined : document
  const listeners = new Set<() => void>()
  const notify = () => {
    for (const listener of [...listeners]) listener()
  }
  let touchedAt = performance.now()
  const isIdle = () => performance.now() - touchedAt > IDLE_AFTER_MS
  const touch = () => {
    const wasIdle = isIdle()
    touchedAt = performance.now()
    if (wasIdle) notify()
  }
  return {
    onRestored(listener) {
      if (!view) return () => {}
      const look = ({ persisted }: PageTransitionEvent) => persisted && listener()
      window.addEventListener('pageshow', look)
      return () => window.removeEventListener('pageshow', look)
    },
    isVisible: () => view === undefined || view.visibilityState !== 'hidden',
    isOnline: () => typeof navigator === 'undefined' || navigator.onLine !== false,
    isIdle,
    onChange(listener) {
      if (!view) return () => {}
      if (listeners.size === 0) {
        view.addEventListener('visibilitychange', notify)
        for (const name of CHANGES) window.addEventListener(name, notify)
        for (const name of TOUCHES) window.addEventListener(name, touch, { passive: true, capture: true })
      }
      listeners.add(listener)
      return () => {
        listeners.delete(listener)
        if (listeners.size > 0) return
        view.removeEventListener('visibilitychange', notify)
        for (const name of CHANGES) window.removeEventListener(name, notify)
        for (const name of TOUCHES) window.removeEventListener(name, touch, { capture: true })
      }
    },
  }
}

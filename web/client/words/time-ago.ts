// "5 s ago", short enough for one line and never in the future: a clock that is wrong says "just now", not "in 23 h".

import { fill, fillPlural, type Words } from './messages.ts'

const SECOND_MS = 1000
const MINUTE_MS = 60 * SECOND_MS
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

/** How long ago `at` was, both in this machine's milliseconds. */
export function timeAgo(at: number, now: number, { messages: { time }, locale }: Words): string {
  const agoMs = Math.max(0, now - at)
  if (agoMs < 3 * SECOND_MS) return time.now
  if (agoMs < MINUTE_MS) return fill(time.seconds, { count: Math.floor(agoMs / SECOND_MS) })
  if (agoMs < HOUR_MS) return fill(time.minutes, { count: Math.floor(agoMs / MINUTE_MS) })
  if (agoMs < DAY_MS) return fill(time.hours, { count: Math.floor(agoMs / HOUR_MS) })
  return fillPlural(time.days, Math.floor(agoMs / DAY_MS), locale)
}

/** "10:42:07", in the language's own way. */
export function timeOfDay(at: number, { locale }: Words): string {
  return new Intl.DateTimeFormat(locale, { timeStyle: 'medium' }).format(at)
}

/** "10:42", as the language writes it. */
export const clockTime = (at: number, locale: string): string =>
  new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit' }).format(at)

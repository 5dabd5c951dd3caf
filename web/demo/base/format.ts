// Formats numbers, days and field names. Days are calendar days, independent of time zones.
import { WORDS } from './words.ts'

const LOCALE = 'en-GB'
const money = new Intl.NumberFormat(LOCALE, {
  style: 'currency',
  currency: 'EUR',
  trailingZeroDisplay: 'stripIfInteger',
})
const hours = new Intl.NumberFormat(LOCALE, { minimumFractionDigits: 1, maximumFractionDigits: 1 })
const day = new Intl.DateTimeFormat(LOCALE, {
  day: '2-digit',
  month: 'short',
  year: 'numeric',
  timeZone: 'UTC',
})
const moment = new Intl.DateTimeFormat(LOCALE, { dateStyle: 'medium', timeStyle: 'medium' })

const NOTHING = '–'

export const formatMoney = (amount: number | null): string =>
  amount === null ? NOTHING : money.format(amount)
export const formatHours = (amount: number | null): string =>
  amount === null ? NOTHING : hours.format(amount)
export const formatDay = (date: string | null): string =>
  date ? day.format(new Date(date)).replace('Sept', 'Sep') : NOTHING
export const formatMoment = (time: string): string => moment.format(new Date(time))

/** `starts_on` → "Starts on". */
export const fieldLabel = (field: string): string => {
  const known: Record<string, string> = WORDS.fields
  return known[field] ?? field.replaceAll('_', ' ').replace(/^./, (first) => first.toUpperCase())
}

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

const WORDED: Record<string, string> = { ...WORDS.taskStatuses, ...WORDS.priorities, ...WORDS.statuses }

/** A field's value as people know it, `null` where its text is the value: what the library's parts show. */
export const formatValue = (field: string, value: unknown): string | null => {
  if (value === null || value === undefined || value === '') return null
  if (field === 'budget') return formatMoney(Number(value))
  if (field.endsWith('_on')) return formatDay(String(value))
  return field === 'status' || field === 'priority' ? (WORDED[String(value)] ?? null) : null
}

/** `starts_on` → "Starts on". */
export const fieldLabel = (field: string): string => {
  const known: Record<string, string> = WORDS.fields
  return known[field] ?? field.replaceAll('_', ' ').replace(/^./, (first) => first.toUpperCase())
}

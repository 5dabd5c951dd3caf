// Dates as the files of one country have them: `DD.MM.YYYY`.
// Invariant: a text that isn't exactly of the format stays as it is, so nothing is guessed.

const PARTS = /DD?|MM?|YYYY/g

/** Does it name day, month and year once each? */
export const isDateFormat = (format: string): boolean =>
  [...format.matchAll(PARTS)]
    .map(([part]) => part[0])
    .sort()
    .join('') === 'DMY'

/** The date in ISO 8601, or the text itself. */
export const fromDateFormat = (format: string, text: string): string => {
  const names: string[] = []
  const pattern = format.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(PARTS, (part) => {
    names.push(part[0] as string)
    return part === 'YYYY' ? '(\\d{4})' : '(\\d{1,2})'
  })
  const found = new RegExp(`^${pattern}$`).exec(text.trim())
  if (!found) return text
  const partOf = (name: string) => (found[names.indexOf(name) + 1] ?? '').padStart(2, '0')
  return `${partOf('Y')}-${partOf('M')}-${partOf('D')}`
}

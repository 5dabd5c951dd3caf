// Days and points in time as inputs have them, in zones with a summer time, with half hours and with none.

import fc from 'fast-check'
import { afterEach, expect, test } from 'vitest'
import { dayText, readDay, readTime, timeText } from '../../../../web/client/base/date-text.ts'

const ZONES = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'Asia/Kolkata',
  'Australia/Lord_Howe',
  'Pacific/Apia',
]
const zone = process.env.TZ
const inZone = (name: string) => {
  process.env.TZ = name
}
afterEach(() => {
  if (zone === undefined) delete process.env.TZ
  else process.env.TZ = zone
})

test('a point in time is shown in this zone, and read back as the server writes it', () => {
  inZone('Europe/Berlin')
  expect(timeText('at', '2026-05-01T08:00:00.000000Z')).toBe('2026-05-01T10:00')
  expect(timeText('at', '2026-05-01T08:00:07.500000Z')).toBe('2026-05-01T10:00:07.500')
  expect(timeText('at', '2026-01-01T08:00:00+02')).toBe('2026-01-01T07:00')
  expect(timeText('at', '2026-05-01T08:00:00.123456')).toBe('2026-05-01T08:00:00.123')
  expect(timeText('at', null)).toBe('')
  expect(timeText('at', 'infinity')).toBe('')
  expect(readTime('2026-05-01T10:15', null)).toEqual({ kind: 'value', value: '2026-05-01T08:15:00.000000Z' })
  expect(readTime('2026-05-01T10:15', '2026-05-01T08:00:00.123456')).toEqual({
    kind: 'value',
    value: '2026-05-01T10:15:00.000000',
  })
  expect(readTime('', '2026-05-01T08:00:00.123456Z')).toEqual({ kind: 'value', value: null })
})

test('what the input does not show stays: another day keeps the microseconds', () => {
  inZone('Europe/Berlin')
  expect(readTime('2026-05-02T10:00:07.123', '2026-05-01T08:00:07.123456Z')).toEqual({
    kind: 'value',
    value: '2026-05-02T08:00:07.123456Z',
  })
})

test('an hour that there is twice stays the one that it was, and one that there is not is none', () => {
  inZone('Europe/Berlin')
  const second = '2026-10-25T01:30:00.000000Z'
  expect(timeText('at', second)).toBe('2026-10-25T02:30')
  expect(readTime('2026-10-25T02:45', second)).toEqual({
    kind: 'value',
    value: '2026-10-25T01:45:00.000000Z',
  })
  expect(readTime('2026-10-25T02:45', '2026-10-25T00:30:00.000000Z')).toEqual({
    kind: 'value',
    value: '2026-10-25T00:45:00.000000Z',
  })
  expect(readTime('2026-03-29T02:30', null)).toEqual({ kind: 'unreadable' })
})

test('a year in the middle of being typed is not one yet', () => {
  expect(readDay('0002-05-01')).toEqual({ kind: 'unfinished', meant: '0002-05-01' })
  expect(readDay('0202-05-01')).toEqual({ kind: 'unfinished', meant: '0202-05-01' })
  expect(readDay('2026-05-01')).toEqual({ kind: 'value', value: '2026-05-01' })
  expect(readDay('12026-05-01')).toEqual({ kind: 'unfinished', meant: '12026-05-01' })
  expect(readDay('2026-02-31')).toEqual({ kind: 'unreadable' })
  expect(readDay('soon')).toEqual({ kind: 'unreadable' })
  expect(readTime('0002-05-01T10:00', null)).toMatchObject({ kind: 'unfinished' })
})

test('a day refuses a time, and a time refuses a day', () => {
  expect(() => dayText('sent_at', '2026-05-01T08:00:00.000000Z')).toThrow(
    "sent_at has a time of day: use field('sent_at', { as: 'datetime' }).",
  )
  expect(() => timeText('due_on', '2026-05-01')).toThrow("use field('due_on', { as: 'date' })")
  expect(dayText('due_on', '2026-05-01')).toBe('2026-05-01')
  expect(dayText('due_on', 'infinity')).toBe('')
})

test('whatever time a record has, what is shown reads as the same, and another that is typed is shown as typed', () => {
  const time = fc
    .date({ min: new Date('1970-01-01'), max: new Date('2099-12-31'), noInvalidDate: true })
    .map((at) => `${at.toISOString().slice(0, -1)}${'456'}Z`)
  fc.assert(
    fc.property(fc.constantFrom(...ZONES), time, time, (name, base, other) => {
      inZone(name)
      const shown = timeText('at', base)
      expect(readTime(shown, base)).toEqual({ kind: 'value', value: base })
      const typed = timeText('at', other)
      const read = readTime(typed, base)
      expect(read.kind === 'value' && timeText('at', read.value)).toBe(typed)
    }),
    { numRuns: 1_000 },
  )
})

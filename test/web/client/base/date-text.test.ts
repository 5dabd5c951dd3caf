// Days and points in time as inputs have them, in zones with a summer time, with half hours and with none.

import fc from 'fast-check'
import { afterEach, expect, test } from 'vitest'
import { dayText, isShownInPart, readDay, readTime, timeText } from '../../../../web/client/base/date-text.ts'

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
  expect(timeText('2026-05-01T08:00:00.000000Z')).toBe('2026-05-01T10:00')
  expect(timeText('2026-05-01T08:00:07.500000Z')).toBe('2026-05-01T10:00:07.500')
  expect(timeText('2026-01-01T08:00:00+02')).toBe('2026-01-01T07:00')
  expect(timeText('2026-05-01T08:00:00.123456')).toBe('2026-05-01T08:00:00.123')
  expect(timeText(null)).toBe('')
  expect(timeText('infinity')).toBe('')
  expect(readTime('2026-05-01T10:15', null)).toEqual({ kind: 'value', value: '2026-05-01T08:15:00.000000Z' })
  expect(readTime('2026-05-01T10:15', '2026-05-01T08:00:00.123456')).toEqual({
    kind: 'value',
    value: '2026-05-01T10:15:00.000000',
  })
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
  expect(timeText(second)).toBe('2026-10-25T02:30')
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
  expect(readDay('0002-05-01', null)).toEqual({ kind: 'unfinished', meant: '0002-05-01' })
  expect(readDay('0202-05-01', null)).toEqual({ kind: 'unfinished', meant: '0202-05-01' })
  expect(readDay('2026-05-01', null)).toEqual({ kind: 'value', value: '2026-05-01' })
  expect(readDay('12026-05-01', null)).toEqual({ kind: 'unfinished', meant: '12026-05-01' })
  expect(readDay('2026-02-31', null)).toEqual({ kind: 'unreadable' })
  expect(readDay('soon', null)).toEqual({ kind: 'unreadable' })
  expect(readTime('0002-05-01T10:00', null)).toMatchObject({ kind: 'unfinished' })
})

test('a day keeps a midnight; an input that would lose a part of a value is known', () => {
  for (const midnight of ['T00:00:00', ' 00:00:00', 'T00:00', 'T00:00:00.000000']) {
    expect(dayText(`2026-05-01${midnight}`)).toBe('2026-05-01')
    expect(isShownInPart(`2026-05-01${midnight}`, 'date')).toBe(false)
    for (const day of ['2026-05-01', '2026-12-31'])
      expect(readDay(day, `2026-05-01${midnight}`)).toEqual({ kind: 'value', value: `${day}${midnight}` })
  }
  for (const time of [
    '2026-05-01T08:00:00',
    '2026-05-01T00:00:00Z',
    '2026-05-01T00:00:01',
    '2026-05-01 00:00:00+00',
  ])
    expect([isShownInPart(time, 'date'), isShownInPart(time, 'datetime')]).toEqual([true, false])
  for (const day of ['2026-05-01', '12026-05-01'])
    expect([isShownInPart(day, 'date'), isShownInPart(day, 'datetime')]).toEqual([false, true])
  for (const none of [null, undefined, '', 'infinity', 7, '2026'])
    for (const kind of ['date', 'datetime', 'text']) expect(isShownInPart(none, kind)).toBe(false)
  expect(dayText('2026-05-01T08:00:00')).toBe('2026-05-01')
  expect(timeText('2026-05-01')).toBe('2026-05-01T00:00')
  expect(dayText('due_on')).toBe('')
  expect(dayText('infinity')).toBe('')
})

test('whatever time a record has, what is shown reads as the same, and another that is typed is shown as typed', () => {
  const time = fc
    .date({ min: new Date('1970-01-01'), max: new Date('2099-12-31'), noInvalidDate: true })
    .map((at) => `${at.toISOString().slice(0, -1)}${'456'}Z`)
  fc.assert(
    fc.property(fc.constantFrom(...ZONES), time, time, (name, base, other) => {
      inZone(name)
      const shown = timeText(base)
      expect(readTime(shown, base)).toEqual({ kind: 'value', value: base })
      const typed = timeText(other)
      const read = readTime(typed, base)
      expect(read.kind === 'value' && timeText(read.value)).toBe(typed)
    }),
    { numRuns: 1_000 },
  )
})

// Files of every shape, generated: what is read is what was written, and each row knows its line.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { csvRows } from '../../../server/import/csv.ts'
import { ndjsonRows } from '../../../server/import/ndjson.ts'
import type { ImportRow } from '../../../server/import/row.ts'

async function* inPieces(text: string, size: number) {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

const all = async (rows: AsyncIterable<ImportRow>) => {
  const found: ImportRow[] = []
  for await (const row of rows) found.push(row)
  return found
}

const text = fc.string({
  unit: fc.constantFrom('a', 'ß', '7', ' ', ',', '"', '\n', '\r\n', '\r', '😀', ';', '\t'),
  maxLength: 12,
})
const quoted = (value: string) => `"${value.replaceAll('"', '""')}"`
const breaksIn = (written: string) => written.split(/\r\n|\n|\r/).length - 1

test('CSV gives back every value, and the line where its row begins', async () => {
  const file = fc.record({
    rows: fc.array(fc.tuple(text, text), { maxLength: 8 }),
    blanks: fc.array(fc.nat(2), { minLength: 8, maxLength: 8 }),
    end: fc.constantFrom('\n', '\r\n'),
    size: fc.integer({ min: 1, max: 40 }),
    bom: fc.boolean(),
  })
  await fc.assert(
    fc.asyncProperty(file, async ({ rows, blanks, end, size, bom }) => {
      let written = `${bom ? '\uFEFF' : ''}one,two${end}`
      const lines: number[] = []
      for (const [index, row] of rows.entries()) {
        written += end.repeat(blanks[index] ?? 0)
        lines.push(breaksIn(written) + 1)
        written += `${row.map(quoted).join(',')}${end}`
      }
      const [header, ...found] = await all(csvRows(inPieces(written, size)))
      expect(header).toEqual({ line: 1, header: ['one', 'two'] })
      expect(found.map(({ fields }) => [fields?.one, fields?.two])).toEqual(rows)
      expect(found.map(({ line }) => line)).toEqual(lines)
    }),
    { numRuns: 300 },
  )
})

test('NDJSON gives back every object, and its line', async () => {
  const file = fc.record({
    rows: fc.array(fc.dictionary(text, fc.oneof(text, fc.integer(), fc.constant(null))), { maxLength: 8 }),
    blanks: fc.array(fc.nat(2), { minLength: 8, maxLength: 8 }),
    size: fc.integer({ min: 1, max: 40 }),
  })
  await fc.assert(
    fc.asyncProperty(file, async ({ rows, blanks, size }) => {
      let written = ''
      const lines: number[] = []
      for (const [index, row] of rows.entries()) {
        written += '\n'.repeat(blanks[index] ?? 0)
        lines.push(breaksIn(written) + 1)
        written += `${JSON.stringify(row)}\n`
      }
      const found = await all(ndjsonRows(inPieces(written, size)))
      expect(found.map(({ fields }) => fields)).toEqual(JSON.parse(JSON.stringify(rows)))
      expect(found.map(({ line }) => line)).toEqual(lines)
    }),
    { numRuns: 300 },
  )
})

test('a row without an end is given up before it fills the memory', async () => {
  const endless = async function* () {
    yield Buffer.from('one,two\n1,"')
    for (let piece = 0; piece < 1_000; piece += 1) yield Buffer.alloc(16_384, 'x')
  }
  const csv = await all(csvRows(endless()))
  expect(csv.at(-1)).toMatchObject({ line: 2, isLast: true, rowError: expect.stringMatching(/longer than/) })
  const ndjson = await all(ndjsonRows(endless()))
  expect(ndjson.at(-1)).toMatchObject({
    line: 2,
    isLast: true,
    rowError: expect.stringMatching(/longer than/),
  })
})

test('a text that is no CSV ends in a row error, whatever it is', async () => {
  const isLast = (rows: ImportRow[]) => rows.at(-1)?.rowError?.startsWith('is not CSV') && rows.at(-1)?.isLast
  for (const written of ['{"":{}}', 'a\n5" pipe\n', 'a\n"x"y\n', 'a\n"open'])
    expect(isLast(await all(csvRows(inPieces(written, 3)))), written).toBe(true)
  await fc.assert(
    fc.asyncProperty(text, fc.integer({ min: 1, max: 9 }), async (written, size) => {
      await all(csvRows(inPieces(written, size)))
    }),
    { numRuns: 500 },
  )
})

test('a number of many zeros is read in the time that its length takes', async () => {
  const exact = `1.${'0'.repeat(100_000)}1`
  const begun = performance.now()
  const [row] = await all(
    ndjsonRows(inPieces(`{"n": ${exact}, "zero": 1.${'0'.repeat(100_000)}}`, 1_000_000)),
  )
  expect(row).toMatchObject({ fields: { n: exact, zero: 1 }, inexact: ['n'] })
  expect(performance.now() - begun).toBeLessThan(2_000)
})

test('a first line of very many names is read in the time that its length takes', async () => {
  const names = Array.from({ length: 120_000 }, (_, at) => `c${at}`).join()
  const begun = performance.now()
  const [head] = await all(csvRows(inPieces(`${names}\n`, 1_000_000)))
  expect(head?.header).toHaveLength(120_000)
  const [twice] = await all(csvRows(inPieces(`${names},c7\n`, 1_000_000)))
  expect(twice?.rowError).toBe('the first line names c7 twice')
  expect(performance.now() - begun).toBeLessThan(5_000)
})

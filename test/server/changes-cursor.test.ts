// Cursors as text: what goes in comes out, whatever transactions were open; what doesn't fit is told apart, not guessed.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Cursor, decodeCursor, encodeCursor, snapshotParts } from '../../server/cursor.ts'

const snapshot = fc
  .tuple(
    fc.bigInt(1n, 2n ** 40n),
    fc.array(fc.bigInt(0n, 2n ** 33n), { maxLength: 50 }),
    fc.bigInt(1n, 1_000n),
  )
  .map(([xmin, distances, room]) => {
    const open = [...new Set(distances.map((distance) => xmin + distance))].sort((a, b) => (a < b ? -1 : 1))
    return `${xmin}:${(open.at(-1) ?? xmin) + room}:${open.join(',')}`
  })
  .filter((text) => snapshotParts(text) !== null)

const cursor: fc.Arbitrary<Cursor> = fc
  .tuple(
    fc.bigInt(0n, 2n ** 64n - 1n),
    snapshot,
    fc.option(fc.record({ snapshot, afterSeq: fc.bigInt(0n, 2n ** 63n - 1n).map(String) })),
  )
  .map(([epoch, text, rest]) => ({
    epoch: epoch.toString(16).padStart(16, '0'),
    snapshot: text,
    ...(rest ? { rest } : {}),
  }))

test('a cursor is read as it was written', () => {
  fc.assert(
    fc.property(cursor, (made) => {
      expect(decodeCursor(encodeCursor(made))).toEqual(made)
    }),
  )
})

test('the text form, which came first, is still read', () => {
  fc.assert(
    fc.property(cursor, ({ epoch, snapshot: text }) => {
      const sent = Buffer.from(`${epoch} ${text}`).toString('base64url')
      expect(decodeCursor(sent)).toEqual({ epoch, snapshot: text })
    }),
  )
})

test('no text makes it throw, and what it reads is a snapshot', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from([1, ...bytes]).toString('base64url')),
      ),
      (text) => {
        const read = decodeCursor(text)
        if (read) expect(snapshotParts(read.snapshot)).not.toBeNull()
      },
    ),
    { numRuns: 2_000 },
  )
})

test('two thousand transactions open at both ends of a batch fit into a query string', () => {
  const open = Array.from({ length: 2_000 }, (_, index) => 5_000_000_000n + BigInt(index) * 90n)
  const text = `${open[0]}:6000000000:${open.join(',')}`
  const made = { epoch: '0123456789abcdef', snapshot: text, rest: { snapshot: text, afterSeq: '123456789' } }
  const sent = encodeCursor(made)
  expect(sent.length).toBeLessThan(6_000)
  expect(decodeCursor(sent)).toEqual(made)
})

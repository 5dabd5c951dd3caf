// Cursors as text: what goes in comes out, whatever transactions were open; what doesn't fit is recognized, not guessed;
// and who holds one can neither read nor make it.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Cursor, createCursors, snapshotParts } from '../../../server/log/cursor.ts'

const SECRET = Buffer.alloc(32, 7)
const { encode, decode, sealPosition, openPosition } = createCursors(SECRET)
const EXPIRED = { epoch: '0000000000000000', snapshot: '3:3:' }

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
      expect(decode(encode(made))).toEqual(made)
    }),
  )
})

test('cursors of before they were sealed have expired, all alike: nobody finds the present by trying', () => {
  fc.assert(
    fc.property(cursor, ({ epoch, snapshot: text }) => {
      expect(decode(Buffer.from(`${epoch} ${text}`).toString('base64url'))).toEqual(EXPIRED)
    }),
  )
  const compact = Buffer.from([1, ...Buffer.from('0123456789abcdef', 'hex'), 5, 4, 0])
  expect(decode(compact.toString('base64url'))).toEqual(EXPIRED)
})

test('a cursor is of one length, with none or forty transactions open, and no two are alike', () => {
  const of = (snapshot: string) => encode({ epoch: '0123456789abcdef', snapshot })
  const open = Array.from({ length: 40 }, (_, index) => 5_000_000_000n + BigInt(index))
  const texts = [
    of('5:5:'),
    of('5000000000:5000000900:'),
    of(`5000000000:5000000900:${open.join(',')}`),
    of('5:5:'),
  ]
  expect(new Set(texts.map(({ length }) => length)).size).toBe(1)
  expect(new Set(texts).size).toBe(4)
})

test('a cursor that was changed is none; one of another database has expired', () => {
  const sent = encode({ epoch: '0123456789abcdef', snapshot: '5:5:' })
  const bytes = Buffer.from(sent, 'base64url')
  for (let at = 5; at < bytes.length; at += 1) {
    const changed = Buffer.from(bytes)
    changed[at] = (changed[at] as number) ^ 1
    expect(decode(changed.toString('base64url'))).toBeNull()
  }
  expect(createCursors(Buffer.alloc(32, 8)).decode(sent)).toEqual(EXPIRED)
})

test('a position in a list is sealed for itself: it is no cursor, and a cursor is no position', () => {
  const at = sealPosition('["a word of somebody","7"]')
  expect(openPosition(at)).toBe('["a word of somebody","7"]')
  expect(decode(at)).toBeNull()
  expect(openPosition(encode({ epoch: '0123456789abcdef', snapshot: '5:5:' }))).toBeNull()
  expect(Buffer.from(at, 'base64url').toString('latin1')).not.toContain('word')
})

test('no text makes it throw, and what it reads is a snapshot', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from([1, ...bytes]).toString('base64url')),
      ),
      (text) => {
        const read = decode(text)
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
  const sent = encode(made)
  expect(sent.length).toBeLessThan(6_000)
  expect(decode(sent)).toEqual(made)
})

const unsealed = (bytes: Uint8Array) => decode(Buffer.from(bytes).toString('base64url'))
const EPOCH = [...Buffer.from('0123456789abcdef', 'hex')]

test('what PostgreSQL would not take is no snapshot', () => {
  expect(snapshotParts('5:9:5,6,8')).toEqual({ xmin: 5n, xmax: 9n, open: [5n, 6n, 8n] })
  const wrong = [
    '',
    '5',
    '5:5',
    ':5:',
    'x5:5:',
    '5:5:x',
    '5:9:6,',
    '5:4:',
    '5:9:4',
    '5:9:9',
    '5:9:7,6',
    '5:9:6,6',
  ]
  const noXids = [
    '0:5:',
    '5:4294967296:',
    '5:18446744073709551616:',
    '18446744073709551616:18446744073709551617:',
  ]
  for (const text of [...wrong, ...noXids]) {
    expect(snapshotParts(text), text).toBeNull()
    expect(unsealed(Buffer.from(`0123456789abcdef ${text}`)), text).toBeNull()
  }
  for (const epoch of ['', '0123456789abcde', 'x0123456789abcdef', '0123456789abcdefx', '0123456789ABCDEF'])
    expect(unsealed(Buffer.from(`${epoch} 5:5:`)), epoch).toBeNull()
})

test('a compact form that is cut short, goes on or holds a number too large is none', () => {
  const whole = [1, ...EPOCH, 5, 4, 1, 2, 5, 4, 0, 3]
  expect(unsealed(Buffer.from(whole))).toEqual(EXPIRED)
  // The first snapshot alone is a cursor too.
  const isWhole = (length: number) => length === 13 || length === whole.length
  for (let length = 0; length < whole.length; length += 1)
    if (!isWhole(length)) expect(unsealed(Buffer.from(whole.slice(0, length))), `${length}`).toBeNull()
  expect(unsealed(Buffer.from([...whole, 0]))).toBeNull()
  const large = [...Array(9).fill(0xff), 0x02]
  for (const numbers of [
    [...large, 4, 0],
    [5, 4, 0, 5, 4, 0, ...Array(9).fill(0x80), 0x01],
    [5, 4, ...large],
  ])
    expect(unsealed(Buffer.from([1, ...EPOCH, ...numbers]))).toBeNull()
})

test('positions are padded in steps, up to the most that can be sealed', () => {
  const lengthOf = (size: number) => Buffer.from(sealPosition('a'.repeat(size)), 'base64url').length
  const steps = [1, 62, 63, 126, 127, 510, 511, 1_022, 1_023].map(lengthOf)
  expect(steps.map((length) => length - 33)).toEqual([64, 64, 128, 128, 256, 512, 1_024, 1_024, 1_536])
  const longest = 'a'.repeat(17 * 512 - 2)
  expect(openPosition(sealPosition(longest))).toBe(longest)
  expect(() => sealPosition(`${longest}a`)).toThrow(RangeError)
})

// A position in the change log: the snapshot up to which everything was read, and the epoch of its database. Between
// two pages of one batch also where the batch ends and which of its changes are behind.
// Invariant: clients carry it sealed, because its numbers show how much is written in the whole database. What can't be
// read, or comes from another history, is recognized and never guessed at; what comes out of here is a snapshot as
// PostgreSQL takes it. Open transactions are written as distances, a byte or two each: some thousands of them still fit
// into a query string.
import { createSeal } from './seal.ts'

/** A position between two commits: what is visible in `snapshot` is behind it, everything else ahead. */
export interface Cursor {
  epoch: string
  /** PostgreSQL's text form of a pg_snapshot: `xmin:xmax:xip,…`. */
  snapshot: string
  /** Inside a batch: of what is visible in this later snapshot, the changes up to `afterSeq` are behind too. */
  rest?: { snapshot: string; afterSeq: string }
}

/** A snapshot's parts: all below `xmin` is over, nothing from `xmax` on has begun, `open` were under way. */
export interface SnapshotParts {
  xmin: bigint
  xmax: bigint
  open: bigint[]
}

const TEXT_FORM = /^(\d{1,20}):(\d{1,20}):((?:\d{1,20}(?:,\d{1,20})*)?)$/
const EPOCH = /^[0-9a-f]{16}$/
const BASE64 = /^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)?$/
const MAX_TEXT = 12_000
/** The first byte of the form that cursors have inside. */
const COMPACT = 1
const MAX_XID = 2n ** 64n
const MAX_SEQ = 2n ** 63n

/** An xid whose lower half is zero is none. */
const isXid = (xid: bigint) => xid < MAX_XID && (xid & 0xffff_ffffn) !== 0n

const isSnapshot = ({ xmin, xmax, open }: SnapshotParts) =>
  isXid(xmin) &&
  isXid(xmax) &&
  xmin <= xmax &&
  open.every((xid, index) => xid >= xmin && xid < xmax && (index === 0 || xid > (open[index - 1] as bigint)))

/** The parts of PostgreSQL's text form; `null` where it isn't one. */
export const snapshotParts = (text: string): SnapshotParts | null => {
  const [, xmin, xmax, open] = TEXT_FORM.exec(text) ?? []
  if (xmin === undefined || xmax === undefined) return null
  const parts = { xmin: BigInt(xmin), xmax: BigInt(xmax), open: open ? open.split(',').map(BigInt) : [] }
  return isSnapshot(parts) ? parts : null
}

const textOf = ({ xmin, xmax, open }: SnapshotParts) => `${xmin}:${xmax}:${open.join(',')}`

const writeNumber = (bytes: number[], number: bigint) => {
  let left = number
  for (; left > 0x7fn; left >>= 7n) bytes.push(Number(left & 0x7fn) | 0x80)
  bytes.push(Number(left))
}

const writeSnapshot = (bytes: number[], snapshot: string) => {
  const { xmin, xmax, open } = snapshotParts(snapshot) as SnapshotParts
  writeNumber(bytes, xmin)
  writeNumber(bytes, xmax - xmin)
  writeNumber(bytes, BigInt(open.length))
  let before = xmin
  for (const xid of open) {
    writeNumber(bytes, xid - before)
    before = xid
  }
}

const bytesOf = ({ epoch, snapshot, rest }: Cursor): Uint8Array => {
  const bytes = [COMPACT, ...Buffer.from(epoch, 'hex')]
  writeSnapshot(bytes, snapshot)
  if (rest) {
    writeSnapshot(bytes, rest.snapshot)
    writeNumber(bytes, BigInt(rest.afterSeq))
  }
  return Uint8Array.from(bytes)
}

/** Reads numbers from the front; `null` once there is none. */
const numbersOf = (bytes: Buffer) => {
  let at = 0
  return {
    atEnd: () => at === bytes.length,
    next: (): bigint | null => {
      let number = 0n
      for (let shift = 0n; shift < 70n; shift += 7n) {
        const byte = bytes[at++]
        if (byte === undefined) return null
        number |= BigInt(byte & 0x7f) << shift
        if (byte < 0x80) return number < MAX_XID ? number : null
      }
      return null
    },
  }
}

const readSnapshot = ({ next }: ReturnType<typeof numbersOf>): string | null => {
  const xmin = next()
  const span = next()
  const count = next()
  if (xmin === null || span === null || count === null || count > MAX_TEXT) return null
  const open: bigint[] = []
  for (let before = xmin; open.length < count; before = open.at(-1) as bigint) {
    const distance = next()
    if (distance === null) return null
    open.push(before + distance)
  }
  const parts = { xmin, xmax: xmin + span, open }
  return isSnapshot(parts) ? textOf(parts) : null
}

const readCompact = (bytes: Buffer): Cursor | null => {
  const epoch = bytes.subarray(1, 9).toString('hex')
  const numbers = numbersOf(bytes.subarray(9))
  const snapshot = readSnapshot(numbers)
  if (!EPOCH.test(epoch) || snapshot === null) return null
  if (numbers.atEnd()) return { epoch, snapshot }
  const end = readSnapshot(numbers)
  const afterSeq = numbers.next()
  if (end === null || afterSeq === null || afterSeq >= MAX_SEQ || !numbers.atEnd()) return null
  return { epoch, snapshot, rest: { snapshot: end, afterSeq: String(afterSeq) } }
}

/** The form that cursors had first: the snapshot's text. */
const readText = (bytes: Buffer): Cursor | null => {
  const [epoch = '', snapshot = ''] = bytes.toString('latin1').split(' ')
  const parts = snapshotParts(snapshot)
  return EPOCH.test(epoch) && parts ? { epoch, snapshot: textOf(parts) } : null
}

/** What can't be gone on from: of another history than any database's. */
const EXPIRED: Cursor = { epoch: '0'.repeat(16), snapshot: '3:3:' }

/**
 * A cursor of before cursors were sealed is one that has expired: its holder reads everything anew, once. If it still
 * counted, anybody could make cursors, and find by trying them how far the transactions have come.
 */
const readUnsealed = (text: string): Cursor | null => {
  const bytes = Buffer.from(text, 'base64url')
  return (bytes[0] === COMPACT ? readCompact(bytes) : readText(bytes)) && EXPIRED
}

/** The rights that a list was read with, by its cursor as a client sent it; `null` where it names none. */
export const rightsOfCursor = (text: string): string | null => text.split('.')[1] ?? null

/** Cursors, and positions in lists, as clients carry them. */
export interface Cursors {
  /** @param rights Of a list: with which rights to its fields it was read. It stands beside the position. */
  encode(cursor: Cursor, rights?: string | null): string
  /** The cursor that a client sent, or `null` where it is none. One that can't be read here has expired. */
  decode(text: unknown): Cursor | null
  /** Seals where a page of a list ended. */
  sealPosition(text: string): string
  /** `null` where it was not sealed here. */
  openPosition(text: string): string | null
  /** Seals where a page of the log's own rows ended: the numbers of its last row, whether that was shown or not. */
  sealNumbers(numbers: readonly string[]): string
  /** As many numbers as that; `null` where they were not sealed here. */
  openNumbers(text: string, count: number): string[] | null
}

/** @param secret The same on all nodes: `noclobber.cursor_key`. */
export const createCursors = (secret: Uint8Array): Cursors => {
  const { seal, open } = createSeal(secret)
  return {
    encode: (cursor, rights = null) => {
      const position = seal('cursor', bytesOf(cursor))
      return rights === null ? position : `${position}.${rights}`
    },
    decode: (sent) => {
      if (typeof sent !== 'string' || sent.length > MAX_TEXT || !BASE64.test(sent)) return null
      const [text = ''] = sent.split('.')
      const bytes = open('cursor', text)
      if (bytes === 'foreign') return EXPIRED
      return bytes ? readCompact(bytes) : readUnsealed(text)
    },
    sealPosition: (text) => seal('position', Buffer.from(text)),
    openPosition: (text) => {
      const bytes = open('position', text)
      return bytes instanceof Buffer ? bytes.toString() : null
    },
    sealNumbers: (numbers) => seal('number', Buffer.from(numbers.join())),
    openNumbers: (text, count) => {
      const bytes = open('number', text)
      const numbers = bytes instanceof Buffer ? bytes.toString().split(',') : []
      return numbers.length === count ? numbers : null
    },
  }
}

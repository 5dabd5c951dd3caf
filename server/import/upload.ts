// The bytes of an upload on their way in: counted, digested, made UTF-8, and cut into pieces that keep nobody
// waiting. Invariant: never more than a piece is in hand; an upload that is too long, stalls or breaks off ends in an error.
import { createHash } from 'node:crypto'
import { problem, Refusal, refuse } from '../base/problems.ts'
import { withinMs } from '../pacing/timeouts.ts'
import { LOOKED_AT, whyUnreadable } from './binary-files.ts'

const PIECE = 8_192

export type ImportEncoding = 'utf-8' | 'utf-16le' | 'utf-16be' | 'windows-1252'

const MARKS: Record<string, ImportEncoding> = { fffe: 'utf-16le', feff: 'utf-16be' }

/** No file in UTF-8 begins with a letter beside a zero byte. */
const unmarked = ([one, two]: Buffer): ImportEncoding | undefined => {
  if (one !== 0 && two === 0) return 'utf-16le'
  return one === 0 && two !== 0 && two !== undefined ? 'utf-16be' : undefined
}

const NOT_UTF_8 =
  'The file must be UTF-8. Save it as "CSV UTF-8", or say what it is: Content-Type: text/csv; charset=windows-1252 (Latin-1).'

/** What an upload may take. */
export interface SourceLimits {
  encoding?: ImportEncoding | undefined
  /** The longest upload, in bytes. */
  maxBytes: number
  /** The longest pause in it, in milliseconds. */
  idleMs: number
  /** The longest time that is spent waiting for it in all, in milliseconds. */
  totalMs: number
  /** The least bytes a second on average, once so many milliseconds were spent waiting. */
  bytesPerSecond: number
  graceMs: number
}

export interface ImportSource {
  pieces(): AsyncGenerator<Buffer, void, undefined>
  /** Bytes so far. */
  bytes(): number
  /** The digest of the whole; reads what is left of it. */
  digest(): Promise<string>
}

const seconds = (ms: number) => `${Math.round(ms / 1_000)} s`

/** The next chunk, if it comes within so many milliseconds. */
const next = (iterator: AsyncIterator<Uint8Array>, ms: number, why: string) =>
  withinMs(ms, iterator.next(), () => new Refusal(problem('too_slow', why)))

export const importSource = (
  input: AsyncIterable<Uint8Array>,
  { maxBytes, idleMs, totalMs, bytesPerSecond, graceMs, encoding = 'utf-8' }: SourceLimits,
): ImportSource => {
  const iterator = input[Symbol.asyncIterator]()
  const hash = createHash('sha256')
  let decoder: InstanceType<typeof TextDecoder> | null = null
  /** What the decoder gives is what the bytes are. */
  let isUtf8 = true
  let bytes = 0
  let isOver = false
  /** Only the time that is the client's: what the rows cost here makes no upload slow. */
  let waitedMs = 0

  const waitLimit = (): [ms: number, why: string] => {
    const dueMs = Math.max(graceMs, (bytes / bytesPerSecond) * 1_000)
    if (dueMs - waitedMs < Math.min(idleMs, totalMs - waitedMs))
      return [dueMs - waitedMs, `The upload brought ${bytes} bytes in ${seconds(dueMs)}.`]
    if (totalMs - waitedMs < idleMs) return [totalMs - waitedMs, `The upload took ${seconds(totalMs)}.`]
    return [idleMs, `The upload stalled: nothing came for ${seconds(idleMs)}.`]
  }

  const read = async (): Promise<Buffer | null> => {
    const [ms, why] = waitLimit()
    const begunAt = performance.now()
    const { done, value } = await next(iterator, ms, why)
    waitedMs += performance.now() - begunAt
    if (done) {
      isOver = true
      return null
    }
    bytes += value.byteLength
    if (bytes > maxBytes) return refuse('too_large', `A file has ${maxBytes} bytes at most.`)
    hash.update(value)
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  }

  const decoderOf = (first: Buffer) => {
    const marked = MARKS[first.subarray(0, 2).toString('hex')]
    const found = marked ?? (encoding === 'utf-8' ? unmarked(first) : undefined) ?? encoding
    isUtf8 = found === 'utf-8'
    const why = whyUnreadable(first, found.startsWith('utf-16'))
    if (why) return refuse('malformed', why)
    return new TextDecoder(found, { fatal: true })
  }

  /** The piece as UTF-8, or what the decoder has left at the end. */
  const decoded = (piece?: Buffer): Buffer => {
    decoder ??= decoderOf(piece ?? Buffer.alloc(0))
    try {
      const text = piece ? decoder.decode(piece, { stream: true }) : decoder.decode()
      return isUtf8 ? (piece ?? Buffer.alloc(0)) : Buffer.from(text)
    } catch {
      return refuse('malformed', isUtf8 ? NOT_UTF_8 : `The file is not ${decoder.encoding}.`)
    }
  }

  /** The first piece has the bytes by which kinds of files differ, if there are as many. */
  const readFirst = async (): Promise<Buffer | null> => {
    let first = await read()
    while (first && first.length < LOOKED_AT) {
      const more = await read()
      if (!more) break
      first = Buffer.concat([first, more])
    }
    return first
  }

  return {
    pieces: async function* () {
      for (let chunk = await readFirst(); chunk; chunk = await read())
        for (let at = 0; at < chunk.length; at += PIECE) yield decoded(chunk.subarray(at, at + PIECE))
      const end = decoded()
      if (end.length > 0) yield end
    },
    bytes: () => bytes,
    digest: async () => {
      while (!isOver) await read()
      return hash.copy().digest('base64url')
    },
  }
}

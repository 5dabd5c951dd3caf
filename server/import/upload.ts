// The bytes of an upload on their way in: counted, digested, checked to be UTF-8, and cut into pieces that keep nobody
// waiting. Invariant: never more than a piece is in hand; an upload that is too long, stalls or breaks off ends in an error.
import { createHash } from 'node:crypto'
import { problem, Refusal, refuse } from '../base/problems.ts'
import { withinMs } from '../pacing/timeouts.ts'

const PIECE = 8_192

/** What an upload may take. */
export interface SourceLimits {
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
  { maxBytes, idleMs, totalMs, bytesPerSecond, graceMs }: SourceLimits,
): ImportSource => {
  const iterator = input[Symbol.asyncIterator]()
  const hash = createHash('sha256')
  const decoder = new TextDecoder('utf-8', { fatal: true })
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

  const check = (piece?: Buffer) => {
    try {
      if (piece) decoder.decode(piece, { stream: true })
      else decoder.decode()
    } catch {
      refuse('malformed', 'The file must be UTF-8.')
    }
  }

  return {
    pieces: async function* () {
      for (let chunk = await read(); chunk; chunk = await read()) {
        for (let at = 0; at < chunk.length; at += PIECE) {
          const piece = chunk.subarray(at, at + PIECE)
          check(piece)
          yield piece
        }
      }
      check()
    },
    bytes: () => bytes,
    digest: async () => {
      while (!isOver) await read()
      return hash.copy().digest('base64url')
    },
  }
}

// Sends a large body in pieces, with the event loop's other work between them. Written at once, the system copies all of it before the
// loop goes on: half a megabyte takes 3 to 5 ms on a small machine, and a page of 4 MB takes ten times as long, for everybody.
import type { ServerResponse } from 'node:http'

/** A body of this many bytes at most leaves at once. */
export const PIECE_BYTES = 64 * 1024

const unsent = new WeakMap<ServerResponse, number>()

/** Bytes of the body that weren't yet handed to the connection. */
export const unsentBytes = (response: ServerResponse): number => unsent.get(response) ?? 0

/**
 * Ends a response, whose head was written, with this body. A client that doesn't read is waited for. Not where a middleware replaced
 * `write` or `end`: it may set headers there, and what it throws would be caught by nobody.
 */
export const endInPieces = (response: ServerResponse, body: Buffer): void => {
  let from = 0
  const next = () => {
    if (response.destroyed) return
    const piece = body.subarray(from, from + PIECE_BYTES)
    from += piece.length
    unsent.set(response, body.length - from)
    if (from === body.length) response.end(piece)
    else if (response.write(piece)) setImmediate(next)
    else response.once('drain', () => setImmediate(next))
  }
  next()
}

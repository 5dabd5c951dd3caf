// A handler that waits for its person's turn. Invariant: the body is here before, so no turn is spent on waiting for a
// client's bytes; a client that has gone meanwhile costs nothing more; a request and its answer count by their bytes.
import type { FairQueue } from '../pacing/fair-queue.ts'
import { unsentBytes } from './body-in-pieces.ts'
import type { Handler } from './route-handler.ts'

/**
 * The handler, in this queue's turns.
 *
 * @param successMs What one that succeeds is charged besides, in milliseconds of work.
 */
export const inTurn =
  (queue: FairQueue, handler: Handler, successMs = 0): Handler =>
  async (request, response, actor) => {
    const end = await queue.enter(actor)
    const { socket } = request
    const written = socket.bytesWritten ?? 0
    try {
      if (!response.destroyed) await handler(request, response, actor)
    } finally {
      if (successMs > 0 && response.statusCode < 300) queue.spend(actor, successMs)
      const answered = (socket.bytesWritten ?? written) - written + unsentBytes(response)
      end(answered + (Number(request.headers['content-length']) || 0))
    }
  }

/** All of these handlers, in this queue's turns. */
export const eachInTurn = <Name extends string>(
  queue: FairQueue,
  handlers: Record<Name, Handler>,
  successMs = 0,
): Record<Name, Handler> =>
  Object.fromEntries(
    Object.entries<Handler>(handlers).map(([name, handler]) => [name, inTurn(queue, handler, successMs)]),
  ) as Record<Name, Handler>

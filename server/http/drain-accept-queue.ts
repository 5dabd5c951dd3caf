// Closing a door at which somebody may stand.
// Invariant: connections that the system has made for this server are taken, one a turn of Node's loop, until a turn
// brings none. What the system still held when the server stops listening would be reset, with the request on it.
import type { Server } from 'node:net'

/** A turn of the loop that took longer may have let in somebody since it looked. */
const QUICK_TURN_MS = 0.5

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

/** Resolves in a turn in which no connection was waiting, `timeoutMs` after the call at the latest. */
export const untilNobodyComes = async (server: Server, timeoutMs: number): Promise<void> => {
  let came = true
  const onConnection = () => {
    came = true
  }
  server.on('connection', onConnection)
  const end = performance.now() + timeoutMs
  await turn()
  for (let now = performance.now(); now < end; ) {
    came = false
    await turn()
    const after = performance.now()
    if (!came && after - now < QUICK_TURN_MS) break
    now = after
  }
  server.off('connection', onConnection)
}

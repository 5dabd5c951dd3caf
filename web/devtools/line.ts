// The page's connection, as it can be made to fail: cut, slow, or without answers to writes. Invariant: with no switch on, everything
// passes as it is.

/** The switches of a page's connection. */
export interface Line {
  /** Requests fail and sockets close, as without a network. */
  isCut: boolean
  /** Each request takes so many milliseconds longer. */
  delayMs: number
  /** Writes reach the server, and so many of their answers are lost. */
  answersToDrop: number
}

const open = new Set<() => void>()

/** A connection that ends with a cut. */
function track(target: EventTarget, ended: string, end: () => void): void {
  open.add(end)
  target.addEventListener(ended, () => open.delete(end))
}

/** Puts the browser's sockets and requests of Socket.IO on the line. Before Socket.IO is loaded, which takes them by these names then. */
export function takeSockets(line: Line): void {
  if (typeof WebSocket === 'undefined' || typeof XMLHttpRequest === 'undefined') return
  globalThis.WebSocket = class extends WebSocket {
    constructor(url: string | URL, protocols?: string | string[]) {
      super(url, protocols)
      track(this, 'close', () => this.close())
      if (line.isCut) this.close()
    }
  }
  globalThis.XMLHttpRequest = class extends XMLHttpRequest {
    override send(body?: Parameters<XMLHttpRequest['send']>[0]): void {
      super.send(body)
      track(this, 'loadend', () => this.abort())
      if (line.isCut) this.abort()
    }
  }
}

/** Ends what is open. */
export function cutOpen(): void {
  for (const end of [...open]) end()
}

const isWrite = (init?: RequestInit) => !/^(GET|HEAD)$/i.test(init?.method ?? 'GET')

/** `fetch` by way of the line. An answer that goes on, as a stream of events does, ends with a cut. */
export function fetchOn(line: Line, given: typeof fetch): typeof fetch {
  return async (input, init) => {
    if (line.isCut) throw new TypeError('The line is cut.')
    if (line.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, line.delayMs))
    const abort = new AbortController()
    const end = () => abort.abort()
    init?.signal?.addEventListener('abort', () => {
      end()
      open.delete(end)
    })
    const answer = await given(input, { ...init, signal: abort.signal })
    if (/^text\/event-stream/.test(answer.headers.get('content-type') ?? '')) open.add(end)
    if (line.answersToDrop > 0 && isWrite(init)) {
      line.answersToDrop -= 1
      throw new TypeError('The answer was dropped.')
    }
    return answer
  }
}

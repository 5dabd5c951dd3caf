// Simulates a lost network for this page: while it is off, the page's requests and sockets fail as they would without one.

let isPulled = false
const open = new Set<{ end(): void }>()

const track = (target: EventTarget, ended: string, end: () => void) => {
  const connection = { end }
  open.add(connection)
  target.addEventListener(ended, () => open.delete(connection))
}

/** Call this before Socket.IO is loaded: it takes the browser's classes by these names then. */
export const layCable = (): void => {
  globalThis.WebSocket = class extends WebSocket {
    constructor(url: string | URL, protocols?: string | string[]) {
      super(url, protocols)
      track(this, 'close', () => this.close())
      if (isPulled) this.close()
    }
  }
  globalThis.XMLHttpRequest = class extends XMLHttpRequest {
    override send(body?: Parameters<XMLHttpRequest['send']>[0]): void {
      super.send(body)
      track(this, 'loadend', () => this.abort())
      if (isPulled) this.abort()
    }
  }
}

/** `fetch` for the record client. An answer that goes on and on, as a stream of events does, ends with the cable. */
export const cableFetch: typeof fetch = async (input, init) => {
  if (isPulled) throw new TypeError('The cable is out.')
  const cut = new AbortController()
  const connection = { end: () => cut.abort() }
  init?.signal?.addEventListener('abort', () => {
    cut.abort()
    open.delete(connection)
  })
  const answer = await fetch(input, { ...init, signal: cut.signal })
  if (/^text\/event-stream/.test(answer.headers.get('content-type') ?? '')) open.add(connection)
  return answer
}

export const pullCable = (): void => {
  isPulled = true
  for (const connection of [...open]) connection.end()
}

export const plugCableIn = (): void => {
  isPulled = false
}

export const isCablePulled = (): boolean => isPulled

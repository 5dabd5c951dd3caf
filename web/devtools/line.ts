// The page's connection, as it can be made to fail: cut, slow, without answers to writes, without a session, or without some of its
// transports. Invariant: with no switch on, everything passes as it is.

/** The switches of a page's connection. */
export interface Line {
  /** Requests fail and sockets close, as without a network. */
  isCut: boolean
  /** Each request takes so many milliseconds longer. */
  delayMs: number
  /** Writes reach the server, and so many of their answers are lost. */
  answersToDrop: number
  /** Requests carry neither cookies nor tokens, and no socket opens: as after a session's end. */
  isSignedOut: boolean
  /** Transports that don't get through, as in a network that lets none of them pass. */
  refuses: Refused
}

/** `sockets`: no WebSocket; `events`: no event stream and no long polling either, so versions are polled. */
export type Refused = 'nothing' | 'sockets' | 'events'

export const openLine = (): Line => ({
  isCut: false,
  delayMs: 0,
  answersToDrop: 0,
  isSignedOut: false,
  refuses: 'nothing',
})

const open = new Set<() => void>()

/** A connection that ends with a cut. */
function track(target: EventTarget, ended: string, end: () => void): void {
  open.add(end)
  target.addEventListener(ended, () => open.delete(end))
}

/** Of Socket.IO: sockets of Vite or of the app's own are cut with everything, and stay otherwise. */
const isLive = (url: string | URL) => /[?&]EIO=/.test(String(url))

/** Puts the browser's sockets and requests of Socket.IO on the line. Before Socket.IO is loaded, which takes them by these names then. */
export function takeSockets(line: Line): void {
  if (typeof WebSocket === 'undefined' || typeof XMLHttpRequest === 'undefined') return
  globalThis.WebSocket = class extends WebSocket {
    constructor(url: string | URL, protocols?: string | string[]) {
      super(url, protocols)
      track(this, 'close', () => this.close())
      const isRefused = line.isSignedOut || line.refuses !== 'nothing'
      if (line.isCut || (isRefused && isLive(url))) this.close()
    }
  }
  globalThis.XMLHttpRequest = class extends XMLHttpRequest {
    #url = ''
    override open(
      method: string,
      url: string | URL,
      isAsync = true,
      user?: string | null,
      password?: string | null,
    ): void {
      this.#url = String(url)
      super.open(method, url, isAsync, user, password)
    }
    override send(body?: Parameters<XMLHttpRequest['send']>[0]): void {
      super.send(body)
      track(this, 'loadend', () => this.abort())
      const isRefused = line.isSignedOut || line.refuses === 'events'
      if (line.isCut || (isRefused && isLive(this.#url))) this.abort()
    }
  }
}

/** Ends what is open. */
export function cutOpen(): void {
  for (const end of [...open]) end()
}

const isWrite = (init?: RequestInit) => !/^(GET|HEAD)$/i.test(init?.method ?? 'GET')

const isStream = (init?: RequestInit) => new Headers(init?.headers).get('accept') === 'text/event-stream'

/** The request as it would be without a session. */
function signedOut(input: RequestInfo | URL, init?: RequestInit): RequestInit {
  const headers = new Headers(init?.headers ?? (input instanceof Request ? input.headers : {}))
  headers.delete('authorization')
  return { ...init, headers, credentials: 'omit' }
}

/** `fetch` by way of the line. An answer that goes on, as a stream of events does, ends with a cut. */
export function fetchOn(line: Line, given: typeof fetch): typeof fetch {
  return async (input, init) => {
    if (line.isCut || (line.refuses === 'events' && isStream(init))) throw new TypeError('The line is cut.')
    if (line.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, line.delayMs))
    const abort = new AbortController()
    const end = () => abort.abort()
    init?.signal?.addEventListener('abort', () => {
      end()
      open.delete(end)
    })
    const sent = line.isSignedOut ? signedOut(input, init) : init
    const answer = await given(input, { ...sent, signal: abort.signal })
    if (/^text\/event-stream/.test(answer.headers.get('content-type') ?? '')) open.add(end)
    if (line.answersToDrop > 0 && isWrite(init)) {
      line.answersToDrop -= 1
      throw new TypeError('The answer was dropped.')
    }
    return answer
  }
}

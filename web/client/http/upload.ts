// Uploads a file and hands on the answer's text as it arrives: by fetch, or by XMLHttpRequest, which alone reports how
// much was sent. Both reject where the connection fails or is aborted.

export interface Upload {
  url: string
  headers: Record<string, string>
  body: Blob | ReadableStream<Uint8Array>
  /** Of XMLHttpRequest; `fetch` comes with its own. */
  credentials: RequestCredentials
  signal: AbortSignal | undefined
  /** Bytes sent, by XMLHttpRequest only. */
  onSent(bytes: number): void
  /** A piece of the answer. */
  onText(text: string): void
}

export interface UploadAnswer {
  status: number
  headers: Headers
}

export async function uploadByFetch(send: typeof fetch, upload: Upload): Promise<UploadAnswer> {
  const { url, headers, body, signal, onText } = upload
  const request: RequestInit & { duplex?: 'half' } = { method: 'POST', headers, body }
  if (signal) request.signal = signal
  if (body instanceof ReadableStream) request.duplex = 'half'
  const answer = await send(url, request)
  const decoder = new TextDecoder()
  const reader = answer.body?.getReader()
  for (let piece = await reader?.read(); piece && !piece.done; piece = await reader?.read())
    onText(decoder.decode(piece.value, { stream: true }))
  onText(decoder.decode())
  return { status: answer.status, headers: answer.headers }
}

export function uploadByXhr(upload: Upload & { body: Blob }): Promise<UploadAnswer> {
  const { url, headers, body, credentials, signal, onSent, onText } = upload
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    let seen = 0
    const read = () => {
      onText(request.responseText.slice(seen))
      seen = request.responseText.length
    }
    const abort = () => request.abort()
    request.upload.onprogress = ({ loaded }) => onSent(loaded)
    request.onprogress = read
    request.onload = () => {
      read()
      const known = ['date', 'retry-after'].flatMap((name) => {
        const value = request.getResponseHeader(name)
        return value === null ? [] : [[name, value] as [string, string]]
      })
      resolve({ status: request.status, headers: new Headers(known) })
    }
    request.onerror = () => reject(new TypeError('The connection failed.'))
    request.onabort = () => reject(new DOMException('The upload was aborted.', 'AbortError'))
    request.onloadend = () => signal?.removeEventListener('abort', abort)
    request.open('POST', url)
    request.withCredentials = credentials === 'include'
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value)
    signal?.addEventListener('abort', abort)
    request.send(body)
    if (signal?.aborted) abort()
  })
}

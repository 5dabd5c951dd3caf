// The JSON of a request's body. What nearly every client sends, a small body of known length and no encoding, is read
// here in a few steps; everything else by body-parser.
// Invariant: both ways take, refuse and answer the same.
import { isUtf8 } from 'node:buffer'
import bodyParser from 'body-parser'
import { problem, Refusal } from '../base/problems.ts'
import type { Middleware, Request, Response } from '../base/request.ts'

const PLAIN_JSON = /^application\/json(?:; ?charset=utf-8)?$/i
const BYTE_ORDER_MARK = 0xfeff

/** Said where a reader of the host's own took a body and kept it. */
export const READ_BEFORE =
  'The body was read before it came here. Mount this router before your body parsers, or hand on what they read as request.body.'

/** Said where bytes can't be had any more. */
export const READ_AS_TEXT =
  'The body comes as text, not as bytes: something before this router called request.setEncoding(). Mount this router before it.'

/** Why a body could not be read, by the failure's name in body-parser. */
export const BODY_FAILURES: Record<string, string> = {
  'stream.encoding.set': READ_AS_TEXT,
  'entity.parse.failed': 'The body is not JSON.',
  'encoding.unsupported': 'The body has an encoding that is not supported.',
  'charset.unsupported': 'The body must be UTF-8.',
}

const notJson = () => new Refusal(problem('malformed', BODY_FAILURES['entity.parse.failed']))

/** Other bytes would be read as U+FFFD, and saved so. */
const checkUtf8 = (bytes: Buffer) => {
  if (!isUtf8(bytes)) throw new Refusal(problem('malformed', BODY_FAILURES['charset.unsupported']))
}

/** @throws Refusal where the bytes are no JSON object or list. */
export const objectOf = (bytes: Buffer): object => {
  checkUtf8(bytes)
  const text = bytes.toString()
  let value: unknown
  try {
    value = JSON.parse(text.charCodeAt(0) === BYTE_ORDER_MARK ? text.slice(1) : text)
  } catch {
    throw notJson()
  }
  if (typeof value !== 'object' || value === null) throw notJson()
  return value
}

const isPlain = (request: Request, limit: number): boolean => {
  const { headers } = request
  const length = Number(headers['content-length'])
  return (
    length > 0 &&
    length <= limit &&
    PLAIN_JSON.test(headers['content-type'] ?? '') &&
    headers['content-encoding'] === undefined &&
    !request.readableDidRead &&
    request.readableFlowing === null &&
    request.readableEncoding === null
  )
}

/** A body that came with its head is here in one piece by now; then nothing need listen for it. */
const takePlain = (request: Request): boolean => {
  if (!request.complete || request.readableLength !== Number(request.headers['content-length'])) return false
  request.body = objectOf(request.read() as Buffer)
  return true
}

const readPlain = (request: Request): Promise<void> =>
  new Promise((resolve, reject) => {
    const cutOff = () => {
      if (!request.readableEnded) reject(new Refusal(problem('malformed')))
    }
    if (request.destroyed) return cutOff()
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.once('end', () => {
      try {
        request.body = objectOf(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks))
        resolve()
      } catch (error) {
        reject(error)
      }
    })
    request.once('close', cutOff)
  })

/** Reads a JSON body, unless somebody before us has; also one that was paused while somebody looked who sent it. */
export const jsonBody = (limit: number): Middleware => {
  const parse = bodyParser.json({
    limit,
    verify: (_request, _response, bytes, encoding) => {
      if (encoding === 'utf-8') checkUtf8(bytes)
    },
  })
  return (request, response, next) => {
    let isOver = false
    parse(request, response, (error?: unknown) => {
      isOver = true
      next(error)
    })
    // What is no JSON is left as it is, to who reads it.
    if (!isOver && request.readableFlowing === false) request.resume()
  }
}

/** Reads `request.body`, unless something before us in the app has; for bodies of at most `limit` bytes. */
export const jsonReader = (limit: number) => {
  const parse = jsonBody(limit)
  return (request: Request, response: Response): Promise<void> | undefined => {
    if (isPlain(request, limit)) return takePlain(request) ? undefined : readPlain(request)
    return new Promise((resolve, reject) => {
      parse(request, response, (error: unknown) => (error ? reject(error) : resolve()))
    })
  }
}

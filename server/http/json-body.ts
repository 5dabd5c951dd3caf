// The JSON of a request's body. What nearly every client sends, a small body of known length and no encoding, is read
// here in a few steps; everything else by Express.
// Invariant: both ways take, refuse and answer the same.
import express, { type Request, type Response } from 'express'
import { problem, Refusal } from '../base/problems.ts'

const PLAIN_JSON = /^application\/json(?:; ?charset=utf-8)?$/i
const BYTE_ORDER_MARK = 0xfeff

/** Why a body could not be read, by the failure's name in Express. */
export const BODY_FAILURES: Record<string, string> = {
  'entity.parse.failed': 'The body is not JSON.',
  'encoding.unsupported': 'The body has an encoding that is not supported.',
  'charset.unsupported': 'The body must be UTF-8.',
}

const notJson = () => new Refusal(problem('malformed', BODY_FAILURES['entity.parse.failed']))

const objectOf = (bytes: Buffer): object => {
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

/** Reads `request.body`, unless something before us in the app has; for bodies of at most `limit` bytes. */
export const jsonReader = (limit: number) => {
  const parse = express.json({ limit })
  return (request: Request, response: Response): Promise<void> =>
    isPlain(request, limit)
      ? readPlain(request)
      : new Promise((resolve, reject) => {
          parse(request, response, (error: unknown) => (error ? reject(error) : resolve()))
        })
}

// What is inside a sealed message: a hint of this library, or a message from one Socket.IO adapter to another.
// Invariant: bytes of any kind give a message or `null`, and never an exception.
import { decode, encode } from 'notepack.io'
import type { AdapterMessage } from './node-adapter.ts'

/** A message between nodes. What a hint says is checked by its receiver. */
export type NodeMessage =
  | { kind: 'hint'; name: string; payload: unknown }
  | { kind: 'adapter'; message: AdapterMessage }

const HINT = 'h'.charCodeAt(0)
const ADAPTER = 'a'.charCodeAt(0)

/** Hints are small; a longer one is a mistake. */
const MAX_HINT_BYTES = 1_000_000

/** Hints are JSON; an app's own emits may hold binary parts and `toJSON`, as Socket.IO's adapters know them. */
export const encodeMessage = (message: NodeMessage): Buffer =>
  message.kind === 'hint'
    ? Buffer.concat([Buffer.of(HINT), Buffer.from(JSON.stringify([message.name, message.payload]))])
    : Buffer.concat([Buffer.of(ADAPTER), encode(message.message) as Buffer])

const decodeHint = (body: Buffer): NodeMessage | null => {
  if (body.length > MAX_HINT_BYTES) return null
  const value: unknown = JSON.parse(body.toString())
  if (!Array.isArray(value) || typeof value[0] !== 'string') return null
  return { kind: 'hint', name: value[0], payload: value[1] }
}

const isAdapterMessage = (value: unknown): value is AdapterMessage => {
  const { uid, nsp, type } = (value ?? {}) as Partial<Record<string, unknown>>
  return typeof uid === 'string' && typeof nsp === 'string' && Number.isInteger(type)
}

export const decodeMessage = (bytes: Buffer): NodeMessage | null => {
  const body = bytes.subarray(1)
  try {
    if (bytes[0] === HINT) return decodeHint(body)
    const message: unknown = bytes[0] === ADAPTER ? decode(body) : null
    return isAdapterMessage(message) ? { kind: 'adapter', message } : null
  } catch {
    return null
  }
}

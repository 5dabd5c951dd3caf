// The seal on messages between nodes: anyone who carries it, Redis above all, can neither read nor make it.
// Invariant: what `open` gives back was sealed by a node of this database within the last five minutes, and is given
// back once. It never throws.
import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto'

/** Why a message was dropped. */
export type Dropped = 'too_large' | 'malformed' | 'forged' | 'late' | 'repeated' | 'flood'

/** A message that a node of this database has sealed. */
interface Opened {
  /** Names the node. */
  from: string
  body: Buffer
}

export interface NodeSeal {
  seal(body: Buffer): Buffer
  open(message: Buffer): Opened | Dropped
}

export interface NodeSealOptions {
  key: Buffer
  /** This node, and no other before or after: 32 hexadecimal digits. */
  sender: string
  /** Wall clock, in milliseconds: nodes whose clocks are further apart than {@link MAX_AGE_MS} drop each other's messages. */
  now?: () => number
}

/** Messages older than this, by the sender's clock, are dropped. */
export const MAX_AGE_MS = 5 * 60_000
/** An app's own emits may be large; nothing of ours comes near. */
export const MAX_MESSAGE_BYTES = 8_000_000

const SENDER_BYTES = 16
const NUMBER_BYTES = 8
const TIME_BYTES = 8
const TAG_BYTES = 16
const HEAD_BYTES = SENDER_BYTES + NUMBER_BYTES
const LEAST_BYTES = HEAD_BYTES + TIME_BYTES + TAG_BYTES

/** Messages may overtake each other by so many. */
const WINDOW = 256
/** Nodes that are remembered; more than any installation has at a time. */
const MAX_SENDERS = 1_000

/** Numbers of one sender that have been seen. */
const createSeenNumbers = () => {
  let highest = Number.NEGATIVE_INFINITY
  let seen = new Set<number>()
  /** `false` where it was seen before, or is too far back to know. */
  return (number: number): boolean => {
    if (number <= highest - WINDOW || seen.has(number)) return false
    seen.add(number)
    highest = Math.max(highest, number)
    if (seen.size > 2 * WINDOW) seen = new Set([...seen].filter((old) => old > highest - WINDOW))
    return true
  }
}

/** One node, as its messages are opened. */
interface Sender {
  key: Buffer
  isNew(number: number): boolean
}

/**
 * AES-256-GCM with a key for each sender, derived from the shared one, and the message's number as the nonce, so that no
 * nonce comes twice. A message is `sender · number · sealed(time · body) · tag`.
 */
export const createNodeSeal = ({ key, sender, now = Date.now }: NodeSealOptions): NodeSeal => {
  const senders = new Map<string, Sender>()
  let sent = 0

  const keyOf = (of: Buffer) => Buffer.from(hkdfSync('sha256', key, of, 'noclobber sender', 32))
  const nonceOf = (head: Buffer) => Buffer.concat([Buffer.alloc(4), head.subarray(SENDER_BYTES)])

  const senderBytes = Buffer.from(sender, 'hex')
  const ownKey = keyOf(senderBytes)

  /** Only who has sealed something is remembered. */
  const remember = (from: string, known: Sender) => {
    senders.delete(from)
    senders.set(from, known)
    if (senders.size > MAX_SENDERS) senders.delete(senders.keys().next().value as string)
  }

  return {
    seal: (body) => {
      sent += 1
      const head = Buffer.alloc(HEAD_BYTES)
      senderBytes.copy(head)
      head.writeBigUInt64BE(BigInt(sent), SENDER_BYTES)
      const time = Buffer.alloc(TIME_BYTES)
      time.writeDoubleBE(now())
      const cipher = createCipheriv('aes-256-gcm', ownKey, nonceOf(head)).setAAD(head)
      return Buffer.concat([
        head,
        cipher.update(time),
        cipher.update(body),
        cipher.final(),
        cipher.getAuthTag(),
      ])
    },
    open: (message) => {
      if (message.length > MAX_MESSAGE_BYTES) return 'too_large'
      if (message.length <= LEAST_BYTES) return 'malformed'
      const head = message.subarray(0, HEAD_BYTES)
      const from = head.toString('hex', 0, SENDER_BYTES)
      const known = senders.get(from) ?? {
        key: keyOf(head.subarray(0, SENDER_BYTES)),
        isNew: createSeenNumbers(),
      }
      const decipher = createDecipheriv('aes-256-gcm', known.key, nonceOf(head), { authTagLength: TAG_BYTES })
      decipher.setAAD(head).setAuthTag(message.subarray(-TAG_BYTES))
      let inside: Buffer
      try {
        inside = Buffer.concat([decipher.update(message.subarray(HEAD_BYTES, -TAG_BYTES)), decipher.final()])
      } catch {
        return 'forged'
      }
      remember(from, known)
      if (!(Math.abs(now() - inside.readDoubleBE()) <= MAX_AGE_MS)) return 'late'
      if (!known.isNew(Number(head.readBigUInt64BE(SENDER_BYTES)))) return 'repeated'
      return { from, body: inside.subarray(TIME_BYTES) }
    },
  }
}

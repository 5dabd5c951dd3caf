// Sealing: bytes that a client carries and hands back, and can neither read nor make.
// Invariant: neither the text nor its length shows what is inside. Where few bytes are sealed, all texts are of one
// length; what was sealed for one purpose opens for no other.
import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto'

/** What sealed bytes are for. */
type SealPurpose = 'cursor' | 'position' | 'number'

export interface Seal {
  /** As text in base64url. At most {@link MAX_SEALED} bytes. */
  seal(purpose: SealPurpose, bytes: Uint8Array): string
  /** The bytes; `foreign`: sealed with another database's secret; `null`: nothing that was sealed. */
  open(purpose: SealPurpose, text: string): Buffer | 'foreign' | null
}

const FORM = 2
const KEY_ID = 4
const NONCE = 12
const TAG = 16
const HEAD = 1 + KEY_ID + NONCE
const LENGTH = 2
const LEAST = 64
const STEP = 512

/** The most bytes that can be sealed. */
const MAX_SEALED = 17 * STEP - LENGTH

const MAX_TEXT = Math.ceil(((HEAD + MAX_SEALED + LENGTH + TAG) * 4) / 3)
const BASE64 = /^[A-Za-z0-9_-]+$/

/** 64, 128, 256, 512, and from there on in steps of 512. */
const paddedLength = (length: number): number => {
  for (let size = LEAST; size < STEP; size *= 2) if (length <= size) return size
  return Math.ceil(length / STEP) * STEP
}

/** May this be sealed bytes, by its first byte and its length? */
const isSealed = (bytes: Uint8Array): boolean => {
  const inside = bytes.length - HEAD - TAG
  return bytes[0] === FORM && inside >= LEAST && paddedLength(inside) === inside
}

/** Makes a seal of a secret that all nodes share. AES-256-GCM, a key for each purpose, a random nonce for each text. */
export const createSeal = (secret: Uint8Array): Seal => {
  const keyId = createHash('sha256').update('noclobber key id').update(secret).digest().subarray(0, KEY_ID)
  const keyOf = (purpose: SealPurpose) =>
    Buffer.from(hkdfSync('sha256', secret, '', `noclobber ${purpose}`, 32))
  const keys: Record<SealPurpose, Buffer> = {
    cursor: keyOf('cursor'),
    position: keyOf('position'),
    number: keyOf('number'),
  }
  return {
    seal: (purpose, bytes) => {
      if (bytes.length > MAX_SEALED) throw new RangeError(`${bytes.length} bytes are too many to be sealed.`)
      const padded = Buffer.alloc(paddedLength(LENGTH + bytes.length))
      padded.writeUInt16BE(bytes.length)
      padded.set(bytes, LENGTH)
      const nonce = randomBytes(NONCE)
      const cipher = createCipheriv('aes-256-gcm', keys[purpose], nonce)
      const inside = Buffer.concat([cipher.update(padded), cipher.final()])
      return Buffer.concat([Buffer.of(FORM), keyId, nonce, inside, cipher.getAuthTag()]).toString('base64url')
    },
    open: (purpose, text) => {
      if (text.length > MAX_TEXT || !BASE64.test(text)) return null
      const bytes = Buffer.from(text, 'base64url')
      if (!isSealed(bytes)) return null
      if (!bytes.subarray(1, 1 + KEY_ID).equals(keyId)) return 'foreign'
      const nonce = bytes.subarray(1 + KEY_ID, HEAD)
      const decipher = createDecipheriv('aes-256-gcm', keys[purpose], nonce, { authTagLength: TAG })
      decipher.setAuthTag(bytes.subarray(-TAG))
      try {
        const padded = Buffer.concat([decipher.update(bytes.subarray(HEAD, -TAG)), decipher.final()])
        return padded.subarray(LENGTH, LENGTH + padded.readUInt16BE())
      } catch {
        return null
      }
    },
  }
}

// Messages between nodes open once, for those who have the key, and soon or not at all.
import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createFloodGuard } from '../../../server/cluster/flood.ts'
import { decodeMessage, encodeMessage } from '../../../server/cluster/node-codec.ts'
import { createNodeSeal, MAX_AGE_MS, MAX_MESSAGE_BYTES } from '../../../server/cluster/node-seal.ts'
import { readImporting, readPresence, readTakeOver } from '../../../server/presence/node-messages.ts'

const key = randomBytes(32)
const hex = () => randomBytes(16).toString('hex')
const body = Buffer.from('what one node says')

test('opens at another node, with who said it, and hides what it says', () => {
  const sender = hex()
  const message = createNodeSeal({ key, sender }).seal(body)
  expect(message.includes('node says')).toBe(false)
  expect(createNodeSeal({ key, sender: hex() }).open(message)).toEqual({ from: sender, body })
})

test('the same words are never the same bytes', () => {
  const { seal } = createNodeSeal({ key, sender: hex() })
  expect(seal(body).equals(seal(body))).toBe(false)
})

test('anyone who has another key makes nothing that opens', () => {
  const forger = createNodeSeal({ key: randomBytes(32), sender: hex() })
  expect(createNodeSeal({ key, sender: hex() }).open(forger.seal(body))).toBe('forged')
})

test('opens once, in whatever order within its window', () => {
  const { seal } = createNodeSeal({ key, sender: hex() })
  const { open } = createNodeSeal({ key, sender: hex() })
  const messages = Array.from({ length: 600 }, () => seal(body))
  const [first, second] = messages as [Buffer, Buffer]
  expect(open(second)).toMatchObject({ body })
  expect(open(first)).toMatchObject({ body })
  expect(open(second)).toBe('repeated')
  for (const message of messages.slice(2)) expect(open(message)).toMatchObject({ body })
  for (const message of messages) expect(open(message)).toBe('repeated')
})

test('opens nothing that is further back than its window, though it never came', () => {
  const { seal } = createNodeSeal({ key, sender: hex() })
  const { open } = createNodeSeal({ key, sender: hex() })
  const messages = Array.from({ length: 257 }, () => seal(body))
  expect(open(messages[256] as Buffer)).toMatchObject({ body })
  expect(open(messages[0] as Buffer)).toBe('repeated')
  expect(open(messages[1] as Buffer)).toMatchObject({ body })
})

test('is too late by the clock, early or old', () => {
  let time = 1_000_000_000
  const now = () => time
  const message = createNodeSeal({ key, sender: hex(), now }).seal(body)
  for (const [by, opens] of [
    [MAX_AGE_MS, true],
    [MAX_AGE_MS + 1, false],
    [-MAX_AGE_MS - 1, false],
  ] as const) {
    time = 1_000_000_000 + by
    const opened = createNodeSeal({ key, sender: hex(), now }).open(message)
    expect(opened).toEqual(opens ? expect.objectContaining({ body }) : 'late')
  }
})

test('damaged in any byte, cut short or with bytes too many it does not open, and nothing throws', () => {
  const message = createNodeSeal({ key, sender: hex() }).seal(body)
  const { open } = createNodeSeal({ key, sender: hex() })
  fc.assert(
    fc.property(fc.nat(message.length - 1), fc.integer({ min: 1, max: 255 }), (at, by) => {
      const damaged = Buffer.from(message)
      damaged[at] = (damaged[at] as number) ^ by
      expect(open(damaged)).toBe('forged')
      expect(open(message.subarray(0, at))).toMatch(/forged|malformed/)
    }),
  )
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      expect(open(Buffer.from(bytes))).toMatch(/forged|malformed/)
      if (bytes.length > 0) expect(open(Buffer.concat([message, bytes]))).toBe('forged')
    }),
  )
  expect(open(Buffer.alloc(MAX_MESSAGE_BYTES + 1))).toBe('too_large')
})

test('what is inside is a message or nothing, whatever the bytes', () => {
  fc.assert(
    fc.property(fc.constantFrom('h', 'a', ''), fc.uint8Array({ maxLength: 200 }), (kind, bytes) => {
      expect(() => decodeMessage(Buffer.concat([Buffer.from(kind), bytes]))).not.toThrow()
    }),
  )
  const hint = { kind: 'hint', name: 'wake', payload: null } as const
  expect(decodeMessage(encodeMessage(hint))).toEqual(hint)
  expect(decodeMessage(Buffer.concat([encodeMessage(hint), Buffer.from('!!')]))).toBeNull()
})

test('a payload is read or refused, whatever it is, and long names and strange rooms are refused', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      for (const read of [readPresence, readTakeOver, readImporting]) expect(() => read(value)).not.toThrow()
    }),
  )
  const user = { id: 'alice', name: 'Alice' }
  const place = { room: 'tenant:acme:record:project:7', tenantId: 'acme', type: 'project', id: '7' }
  const entry = { ...place, socketId: 's', userTenantId: 'acme', user, state: 'editing', field: null }
  expect(readPresence([entry])).toEqual([{ ...entry, unsaved: false }])
  expect(readPresence([{ ...entry, unsaved: true }])).toEqual([{ ...entry, unsaved: true }])
  for (const wrong of [
    { room: 'tenant:globex:record:project:7' },
    { user: { id: 'alice', name: 'A'.repeat(201) } },
    { user: { id: 'a'.repeat(1_001), name: 'A' } },
    { state: 'sleeping' },
    { field: 'f'.repeat(201) },
    { socketId: null },
    { userTenantId: 7 },
  ])
    expect(readPresence([{ ...entry, ...wrong }])).toBeNull()
  expect(readPresence(Array.from({ length: 101 }, () => entry))).toBeNull()
})

test('a flood closes the rest of its second, by number and by bytes, and no more', () => {
  let time = 0
  const guard = createFloodGuard({ messages: 3, bytes: 1_000, now: () => time })
  for (let count = 0; count < 3; count += 1) {
    expect(guard.isOpen()).toBe(true)
    guard.spent(10)
  }
  expect(guard.isOpen()).toBe(false)
  time = 1_000
  expect(guard.isOpen()).toBe(true)
  guard.spent(1_000)
  expect(guard.isOpen()).toBe(false)
  time = 1_999
  expect(guard.isOpen()).toBe(false)
  time = 2_000
  expect(guard.isOpen()).toBe(true)
})

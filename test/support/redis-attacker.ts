// Somebody who has Redis and nothing else: sees all channels, receives everything, publishes whatever they like.
import { randomBytes } from 'node:crypto'
import { Redis } from 'ioredis'
import { encode } from 'notepack.io'
import { atEnd } from './at-end.ts'
import type { Random } from './random.ts'

/** One message that nodes sent. */
export interface Overheard {
  channel: string
  message: Buffer
}

export interface RedisAttacker {
  intercepted: Overheard[]
  /** The channels that are subscribed to, plain and sharded. */
  channels(): Promise<string[]>
  /** Many at a time, in their order. */
  publish(channel: string, messages: (Buffer | string)[]): Promise<void>
}

/** Messages that are sent before the first of them is answered. */
const AT_ONCE = 100

/** By the ports of all masters: one for a single Redis. */
export async function redisAttacker(ports: number[], isCluster = false): Promise<RedisAttacker> {
  const connect = async (port: number) => {
    const client = new Redis({ port, host: '127.0.0.1' })
    client.on('error', () => {})
    atEnd(() => client.disconnect())
    await client.ping()
    return client
  }
  const speakers = await Promise.all(ports.map(connect))
  const listeners = await Promise.all(ports.map(connect))
  const intercepted: Overheard[] = []
  const channelsAt = async (speaker: Redis): Promise<string[]> => {
    const plain = (await speaker.call('PUBSUB', 'CHANNELS')) as string[]
    return [...plain, ...((await speaker.call('PUBSUB', 'SHARDCHANNELS')) as string[])]
  }
  const ownerOf = async (channel: string): Promise<Redis> => {
    for (const speaker of speakers)
      if (
        await speaker.spublish(channel, '').then(
          () => true,
          () => false,
        )
      )
        return speaker
    throw new Error(`No master has the slot of ${channel}.`)
  }
  for (const [at, listener] of listeners.entries()) {
    const keep = (channel: Buffer, message: Buffer) => {
      intercepted.push({ channel: channel.toString(), message })
    }
    listener.on('pmessageBuffer', (_pattern, channel, message) => keep(channel, message))
    listener.on('smessageBuffer', keep)
    if (!isCluster) await listener.psubscribe('*')
    else for (const channel of await channelsAt(speakers[at] as Redis)) await listener.ssubscribe(channel)
  }
  return {
    intercepted,
    channels: async () => (await Promise.all(speakers.map(channelsAt))).flat(),
    publish: async (channel, messages) => {
      // A plain message reaches all masters by any of them, a sharded one by the one that has its slot.
      const [any] = speakers as [Redis]
      const owner = isCluster ? await ownerOf(channel) : undefined
      const sends = (message: Buffer | string) => [
        any.publish(channel, message),
        ...(owner ? [owner.spublish(channel, message)] : []),
      ]
      for (let at = 0; at < messages.length; at += AT_ONCE)
        await Promise.all(messages.slice(at, at + AT_ONCE).flatMap(sends))
    },
  }
}

/** The adapters' channels of Socket.IO for Redis, as everybody knows them. */
export const KNOWN_CHANNELS = ['socket.io', 'noclobber'].flatMap((prefix) => [
  ...[`${prefix}#/#`, `${prefix}#/#room#`, `${prefix}-request#/#`, `${prefix}-response#/#`],
])

/** What is forged: of whom, and where it shall arrive. */
export interface Target {
  socketIds: string[]
  rooms: string[]
  tenantId: string
  type: string
  id: string
}

const eventsOf = ({ tenantId, type, id }: Target): [string, unknown][] => [
  [
    'RecordUpdated',
    { tenant_id: tenantId, type, id, version: 99, changed_fields: ['name'], updated_by: null },
  ],
  ['AccessRevoked', { records: [{ type, id }], lists: [] }],
  ['Resync', null],
  ['PresenceChanged', { type, id, people: [] }],
  ['Forged', { by: 'somebody' }],
]

/** Every request and message of both adapters of Socket.IO for Redis, and every hint of ours. */
const forgedOf = (target: Target): unknown[] => {
  const { rooms, socketIds, tenantId, type, id } = target
  const all = { rooms: [], except: [], flags: {} }
  const one = { rooms: socketIds, except: [], flags: {} }
  const uid = 'forger'
  const packets = eventsOf(target).map((data) => ({ type: 2, data, nsp: '/' }))
  const requestId = 'r1'
  const ofSingle = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10].flatMap((kind) => [
    { uid, requestId, type: kind, opts: all, rooms, close: true, data: ['noclobber', 'wake'] },
    { uid, requestId, type: kind, opts: one, rooms, close: true, packet: packets[0] },
    ...socketIds.map((sid) => ({ uid, requestId, type: kind, sid, room: rooms[0], close: true })),
    { uid, type: kind },
  ])
  const ofSharded = Array.from({ length: 14 }, (_, kind) => kind).flatMap((kind) => [
    { uid, nsp: '/', type: kind, data: { opts: all, rooms, close: true, requestId, packet: packets[0] } },
    { uid, nsp: '/', type: kind, data: { opts: one, rooms, close: true, packet: ['noclobber', 'wake'] } },
    { uid, nsp: '/', type: kind },
  ])
  const broadcasts = packets.flatMap((packet) => [
    [uid, packet, all],
    [uid, packet, one],
    { uid, nsp: '/', type: 3, data: { opts: all, packet } },
    [uid, null, null],
  ])
  const room = rooms[0]
  const user = { id: 'mallory', name: 'Mallory' }
  const entry = {
    room,
    tenantId,
    type,
    id,
    socketId: 'x',
    userTenantId: tenantId,
    user,
    state: 'editing',
    field: null,
  }
  const hints = [
    ['wake', null],
    ['revoke', { disconnect: true, userId: 'alice' }],
    ['revoke', {}],
    ['presence', [entry]],
    ['presence', [{ ...entry, user: { ...user, name: 'M'.repeat(100_000) } }]],
    ['presence', { nodeId: 'x', entries: [entry] }],
    ['presence-ask', null],
    ['presence-end', 'x'],
    ['counts', { limit: 'person', counts: [['["acme","alice"]', 1_000_000_000]] }],
    ['importing', { tenant_id: tenantId, type, import_id: 'x', phase: 'reading' }],
    ['take-over', { ...entry, from: user, to: 'alice', say: 'ask' }],
  ]
  return [...ofSingle, ...ofSharded, ...broadcasts, ...hints]
}

const head = () => randomBytes(64)

/** Messages of every kind in every form: JSON and msgpack, plain, behind a head of ours, cut short, with bytes too many. */
export const forgeries = (target: Target, intercepted: Overheard[], random: Random): Buffer[] => {
  const plain = forgedOf(target).flatMap((message) => {
    const json = Buffer.from(JSON.stringify(message))
    const packed = encode(message) as Buffer
    return [json, packed, ...[json, packed].flatMap((body) => wrapped(body))]
  })
  const damaged = plain.flatMap((message) => [
    message.subarray(0, random.below(message.length)),
    Buffer.concat([message, Buffer.from([random.below(256), random.below(256)])]),
  ])
  const own = intercepted.slice(-50).flatMap(({ message }) => {
    const flipped = Buffer.from(message)
    const at = random.below(Math.max(1, message.length))
    flipped[at] = (flipped[at] ?? 0) ^ (1 + random.below(255))
    return [message, flipped, message.subarray(0, -1), Buffer.concat([message, Buffer.from('!!')])]
  })
  const noise = Array.from({ length: 200 }, () => randomBytes(random.below(300)))
  const edges = ['', '{', '[]', 'null', '{}', '{"type":5}', '\xff\xff'].map((text) => Buffer.from(text))
  return [...plain, ...damaged, ...own, ...noise, ...edges, randomBytes(9_000_000), Buffer.alloc(7_000_000)]
}

const wrapped = (body: Buffer): Buffer[] =>
  ['h', 'a'].map((kind) => Buffer.concat([head(), Buffer.from(kind), body]))

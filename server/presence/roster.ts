// Who is here: the roster of people at each record, told together per person from all their tabs on all nodes.
// Invariant: advisory only. Every entry has a lease; what isn't renewed goes by itself, so that nobody cleans up after a
// node or a browser that died.
import type { PresenceState, PresentPerson } from '../protocol/index.ts'

/** One tab's presence at one record. */
export interface PresenceEntry {
  /** The record's room; it carries the tenant. */
  room: string
  tenantId: string
  type: string
  id: string
  socketId: string
  user: { id: string; name: string }
  /** `null`: gone. */
  state: PresenceState | null
  field: string | null
}

export interface Roster {
  /** Takes an entry of a node in, or renews it. Gives whether what people see of the record has changed. */
  put(nodeId: string, entry: PresenceEntry): boolean
  /** Takes a socket's entry out. Gives it as one that is gone, if there was one. */
  remove(room: string, socketId: string): PresenceEntry | null
  /** Takes everything of a node out. Gives the records that this concerns. */
  removeNode(nodeId: string): PresenceEntry[]
  /** Takes out what has outlived its lease. */
  expire(): PresenceEntry[]
  people(room: string): PresentPerson[]
  /** Every tab at a record. */
  at(room: string): PresenceEntry[]
  /** One entry of each record of a type at which somebody is, within a tenant. */
  records(tenantId: string, type: string): PresenceEntry[]
  /** The entries of one node. */
  of(nodeId: string): PresenceEntry[]
  /** How many tabs are known. */
  size(): number
}

export interface RosterOptions {
  leaseMs: number
  now?: () => number
}

/** More people than this at one record are counted, not named. */
const MOST_PEOPLE = 50

const WEIGHT: Record<PresenceState, number> = { idle: 0, viewing: 1, editing: 2 }

type Kept = PresenceEntry & { state: PresenceState; nodeId: string; until: number }

const fold = (entries: Iterable<Kept>): PresentPerson[] => {
  const people = new Map<string, PresentPerson>()
  for (const { user, state, field } of entries) {
    const known = people.get(user.id)
    if (!known) people.set(user.id, { user, state, field, tabs: 1 })
    else {
      known.tabs += 1
      const isMore = WEIGHT[state] > WEIGHT[known.state]
      if (isMore || (state === known.state && known.field === null)) Object.assign(known, { state, field })
    }
  }
  return [...people.values()]
    .sort((a, b) => WEIGHT[b.state] - WEIGHT[a.state] || (a.user.id < b.user.id ? -1 : 1))
    .slice(0, MOST_PEOPLE)
}

export const createRoster = ({ leaseMs, now = () => performance.now() }: RosterOptions): Roster => {
  const rooms = new Map<string, Map<string, Kept>>()
  /** By tenant and type: the rooms at which somebody is. */
  const types = new Map<string, Set<string>>()
  let size = 0
  const typeKey = (tenantId: string, type: string) => JSON.stringify([tenantId, type])

  const take = (kept: Kept): PresenceEntry => {
    const room = rooms.get(kept.room)
    if (room?.delete(kept.socketId)) size -= 1
    if (room?.size === 0) {
      rooms.delete(kept.room)
      const key = typeKey(kept.tenantId, kept.type)
      const others = types.get(key)
      others?.delete(kept.room)
      if (others?.size === 0) types.delete(key)
    }
    const { nodeId: _node, until: _until, ...entry } = kept
    return { ...entry, state: null, field: null }
  }

  const takeWhere = (isOut: (kept: Kept) => boolean) =>
    [...rooms.values()].flatMap((room) => [...room.values()].filter(isOut).map(take))

  return {
    put: (nodeId, entry) => {
      const { room: name, socketId, state } = entry
      const known = rooms.get(name)?.get(socketId)
      if (state === null) {
        if (known) take(known)
        return known !== undefined
      }
      const room = rooms.get(name) ?? new Map<string, Kept>()
      rooms.set(name, room)
      const key = typeKey(entry.tenantId, entry.type)
      types.set(key, (types.get(key) ?? new Set()).add(name))
      if (!known) size += 1
      room.set(socketId, { ...entry, state, nodeId, until: now() + leaseMs })
      return known?.state !== state || known.field !== entry.field || known.user.name !== entry.user.name
    },
    remove: (name, socketId) => {
      const known = rooms.get(name)?.get(socketId)
      return known ? take(known) : null
    },
    removeNode: (nodeId) => takeWhere((kept) => kept.nodeId === nodeId),
    expire: () => takeWhere(({ until }) => until < now()),
    people: (name) => fold(rooms.get(name)?.values() ?? []),
    at: (name) => [...(rooms.get(name)?.values() ?? [])],
    records: (tenantId, type) =>
      [...(types.get(typeKey(tenantId, type)) ?? [])].flatMap((name) =>
        [...(rooms.get(name)?.values() ?? [])].slice(0, 1),
      ),
    of: (nodeId) =>
      [...rooms.values()].flatMap((room) =>
        [...room.values()]
          .filter((kept) => kept.nodeId === nodeId)
          .map(({ nodeId: _node, until: _until, ...entry }) => entry),
      ),
    size: () => size,
  }
}

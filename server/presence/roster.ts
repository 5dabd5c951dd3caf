// The people at each record, per person from all their tabs on all nodes.
// Invariant: people of one tenant are kept apart from another's, of a type without tenants too. Advisory only: each entry
// has a lease and goes without renewal, so nothing has to be cleaned up after a node or browser that died.
import type { PresenceState, PresentPerson } from '../protocol/index.ts'
import type { KnownType } from '../tables/database.ts'

/** People as somebody sees them who sees these fields of the record: of a field that they don't see they learn nothing. */
export const peopleFor = (
  { shownNames, rights }: Pick<KnownType, 'shownNames' | 'rights'>,
  people: PresentPerson[],
): PresentPerson[] =>
  rights === null
    ? people
    : people.map((person) =>
        person.field === null || shownNames.includes(person.field) ? person : { ...person, field: null },
      )

/** One tab's presence at one record. */
export interface PresenceEntry {
  /** The record's room; it carries the tenant. */
  room: string
  tenantId: string
  type: string
  id: string
  socketId: string
  /** The tenant of the user; the record's own, unless its type has no tenants. */
  userTenantId: string
  user: PresentPerson['user']
  /** `null`: gone. */
  state: PresenceState | null
  field: string | null
  /** There are edits in this tab that are not saved. */
  unsaved: boolean
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
  /** A tenant's people at a record. */
  people(room: string, userTenantId: string): PresentPerson[]
  /** Every tab of a tenant's people at a record. */
  at(room: string, userTenantId: string): PresenceEntry[]
  /** One entry of each record of a type at which somebody of `userTenantId` is. */
  records(tenantId: string, type: string, userTenantId: string): PresenceEntry[]
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
  for (const { user, state, field, unsaved } of entries) {
    const known = people.get(user.id)
    if (!known) people.set(user.id, { user, state, field, tabs: 1, ...(unsaved && { unsaved }) })
    else {
      if (unsaved) known.unsaved = true
      known.tabs += 1
      const isMore = WEIGHT[state] > WEIGHT[known.state]
      if (isMore || (state === known.state && known.field === null)) Object.assign(known, { state, field })
    }
  }
  return [...people.values()]
    .sort((a, b) => WEIGHT[b.state] - WEIGHT[a.state] || (a.user.id < b.user.id ? -1 : 1))
    .slice(0, MOST_PEOPLE)
}

const withoutLease = ({ nodeId: _node, until: _until, ...entry }: Kept): PresenceEntry => entry

export const createRoster = ({ leaseMs, now = () => performance.now() }: RosterOptions): Roster => {
  /** By room and the tenant of its people: their tabs by socket. */
  const rooms = new Map<string, Map<string, Map<string, Kept>>>()
  /** By tenant, type and the tenant of the people: the rooms at which somebody is. */
  const types = new Map<string, Set<string>>()
  let size = 0
  const typeKey = (tenantId: string, type: string, userTenantId: string) =>
    JSON.stringify([tenantId, type, userTenantId])

  const tabsAt = (room: string, userTenantId: string): ReadonlyMap<string, Kept> =>
    rooms.get(room)?.get(userTenantId) ?? new Map()

  const add = (kept: Kept) => {
    const { room, tenantId, type, userTenantId, socketId } = kept
    const tenants = rooms.get(room) ?? new Map<string, Map<string, Kept>>()
    rooms.set(room, tenants)
    const tabs = tenants.get(userTenantId) ?? new Map<string, Kept>()
    tenants.set(userTenantId, tabs)
    if (!tabs.has(socketId)) size += 1
    tabs.set(socketId, kept)
    const key = typeKey(tenantId, type, userTenantId)
    types.set(key, (types.get(key) ?? new Set()).add(room))
  }

  /** Takes an entry out. Gives it as one that is gone. */
  const take = (kept: Kept): PresenceEntry => {
    const { room, tenantId, type, userTenantId, socketId } = kept
    const tenants = rooms.get(room)
    const tabs = tenants?.get(userTenantId)
    if (tabs?.delete(socketId)) size -= 1
    if (tabs?.size === 0) {
      tenants?.delete(userTenantId)
      const key = typeKey(tenantId, type, userTenantId)
      const others = types.get(key)
      others?.delete(room)
      if (others?.size === 0) types.delete(key)
    }
    if (tenants?.size === 0) rooms.delete(room)
    return { ...withoutLease(kept), state: null, field: null, unsaved: false }
  }

  const where = (isChosen: (kept: Kept) => boolean): Kept[] =>
    [...rooms.values()].flatMap((tenants) =>
      [...tenants.values()].flatMap((tabs) => [...tabs.values()].filter(isChosen)),
    )

  return {
    put: (nodeId, entry) => {
      const { room, userTenantId, socketId, state } = entry
      const known = tabsAt(room, userTenantId).get(socketId)
      if (state === null) {
        if (known) take(known)
        return known !== undefined
      }
      add({ ...entry, state, nodeId, until: now() + leaseMs })
      return (
        known?.state !== state ||
        known.field !== entry.field ||
        known.unsaved !== entry.unsaved ||
        known.user.name !== entry.user.name
      )
    },
    remove: (room, socketId) => {
      for (const tabs of rooms.get(room)?.values() ?? []) {
        const known = tabs.get(socketId)
        if (known) return take(known)
      }
      return null
    },
    removeNode: (nodeId) => where((kept) => kept.nodeId === nodeId).map(take),
    expire: () => where(({ until }) => until < now()).map(take),
    people: (room, userTenantId) => fold(tabsAt(room, userTenantId).values()),
    at: (room, userTenantId) => [...tabsAt(room, userTenantId).values()],
    records: (tenantId, type, userTenantId) =>
      [...(types.get(typeKey(tenantId, type, userTenantId)) ?? [])].flatMap((room) =>
        [...tabsAt(room, userTenantId).values()].slice(0, 1),
      ),
    of: (nodeId) => where((kept) => kept.nodeId === nodeId).map(withoutLease),
    size: () => size,
  }
}

// That something was proposed or decided, sent to those who watch the record or a list that shows it, on every node.
// Invariant: only who may read the record at this moment is sent it, judged by its row; and nobody waits for it: a message that
// doesn't arrive changes nothing, for the proposals can be asked for.
import type { Logger } from '../base/options.ts'
import type { Backplane } from '../cluster/backplane.ts'
import { isObject, isText, isTextOrNull, MAX_NAME, readEach } from '../cluster/node-messages.ts'
import { listRoom, recordRoom } from '../live/rooms.ts'
import { type Audience, isAdmitted, type Watcher } from '../live/watchers.ts'
import { normalizedWriter } from '../log/stored-writer.ts'
import { MOST_NAMED } from '../proposals/stored-proposals.ts'
import type { ProposalEvent, ProposalState } from '../protocol/index.ts'
import type { Database, KnownType } from '../tables/database.ts'
import { readRecords } from '../tables/read-records.ts'
import { roomsShowing } from './rooms-showing.ts'

const MESSAGE = 'proposal'
const STATES: readonly unknown[] = ['open', 'accepted', 'rejected'] satisfies ProposalState[]

const readName = (value: unknown) => (isText(value, MAX_NAME) ? value : null)

const readEvent = (value: unknown): ProposalEvent | null => {
  if (!isObject(value)) return null
  const { tenant_id, type, id, proposal_id, state, client_version, at } = value
  const names = readEach(value.changed_fields, MOST_NAMED, readName)
  if (!isTextOrNull(tenant_id) || !isText(type, MAX_NAME) || !isText(id) || !isText(proposal_id, MAX_NAME))
    return null
  if (!STATES.includes(state) || !Number.isSafeInteger(client_version) || !names || !isText(at, MAX_NAME))
    return null
  return {
    tenant_id,
    type,
    id,
    proposal_id,
    at,
    changed_fields: names,
    by: normalizedWriter(value.by),
    state: state as ProposalState,
    client_version: client_version as number,
  }
}

/** Does this person see every field that is proposed? Of more fields than are named nobody knows, unless they see all. */
const seesAll = (known: KnownType, { data }: Watcher, { changed_fields: named }: ProposalEvent): boolean => {
  if (!known.isGuarded) return true
  const { shownNames, type } = known.forActor(data.actor)
  const isWhole =
    named.length < MOST_NAMED || Object.keys(type.guards).every((name) => shownNames.includes(name))
  return isWhole && named.every((name) => shownNames.includes(name))
}

export interface ProposalEventOptions {
  database: Database
  backplane: Backplane
  log: Logger
  audiences(): Iterable<Audience>
}

/** Gives the function that sends one. */
export const createProposalEvents = ({ database, backplane, log, audiences }: ProposalEventOptions) => {
  /** Each watcher of a room that shows the record, once, by session. */
  const watchersIn = (audience: Audience, known: KnownType, rooms: string[], tenantId: string) => {
    const found = new Map<Database, Set<Watcher>>()
    for (const room of rooms)
      for (const id of audience.rooms().get(room) ?? []) {
        const watcher = audience.watchers().get(id)
        if (!watcher || !isAdmitted(known, watcher, room, tenantId)) continue
        const session = database.forActor(watcher.data.actor)
        found.set(session, (found.get(session) ?? new Set()).add(watcher))
      }
    return found
  }

  const rowOf = async (session: Database, known: KnownType, { id, type }: ProposalEvent, tenantId: string) =>
    session.recordCache.get(tenantId, type, id) ??
    (await readRecords(session, known, [id], { tenantId, toCache: true })).get(id)

  const publishIn = async (audience: Audience, event: ProposalEvent) => {
    const tenantId = event.tenant_id ?? ''
    const known = database.typeOf(event.type, tenantId)
    const room = recordRoom(tenantId, event.type, event.id)
    if (!known || audience.rooms().size === 0) return
    // Which lists below a parent show it is known by its row.
    const shown = known.lists.length > 0 && (await rowOf(database, known, event, tenantId))
    const rooms = shown
      ? roomsShowing(known, { room, tenantId, type: event.type }, shown)
      : [room, listRoom(tenantId, event.type)]
    for (const [session, watchers] of watchersIn(audience, known, rooms, tenantId)) {
      const row = await rowOf(session, known, event, tenantId)
      const isStill = (watcher: Watcher) => rooms.some((one) => isAdmitted(known, watcher, one, tenantId))
      for (const watcher of watchers)
        if (
          row &&
          isStill(watcher) &&
          known.mayRead(watcher.data.actor, row) &&
          seesAll(known, watcher, event)
        )
          watcher.emit(event.state === 'open' ? 'ProposalCreated' : 'ProposalDecided', event)
    }
  }

  const publishHere = (event: ProposalEvent) => {
    for (const audience of audiences())
      publishIn(audience, event).catch((error) => log.warn({ error }, 'A proposal could not be announced.'))
  }

  backplane.on(MESSAGE, readEvent, publishHere)

  return (event: ProposalEvent): void => {
    publishHere(event)
    backplane.send(MESSAGE, event)
  }
}

// What a live list does with the events of its type, and with what this client writes: it asks its schedule for a refresh. A
// large import it offers instead.

import type { ImportEvent, Scope, WatchedList } from '../../../server/protocol/index.ts'
import type { createWritable } from '../base/store.ts'
import { isSame } from '../base/values.ts'
import type { OwnWrite } from '../http/own-writes.ts'
import type { ListEvent } from '../transport/event-router.ts'
import { MOST_FETCHED } from './refresh.ts'
import type { RefreshSchedule } from './refresh-schedule.ts'
import { adoptOwn, type ListState } from './state.ts'
import type { ListStoreOptions } from './store-options.ts'

const AFTER_OWN_MS = 1000

interface ListEventsOptions extends Pick<ListStoreOptions, 'type' | 'query'> {
  state: ReturnType<typeof createWritable<ListState>>
  /** Shows that there is more than is fetched unasked. */
  offer: (next: ListState) => void
  /** These rows are gone at once. */
  drop: (ids: ReadonlySet<string>) => void
  /** `null` while nobody listens to the list. */
  schedule: () => RefreshSchedule | null
  /** The server has answered the list's subscription. */
  onJoined: (ok: boolean) => void
}

export function createListEvents({ type, query, state, offer, drop, schedule, onJoined }: ListEventsOptions) {
  function receive(received: ListEvent) {
    if (received.kind === 'joined') return joined(received.answer)
    const { event } = received
    if (event.name === 'RecordsImported') return receiveImport(event.event)
    if (event.name !== 'RecordCreated' && event.name !== 'RecordUpdated' && event.name !== 'RecordDeleted')
      return
    const { id, version } = event.event
    const held = state.get().staged.get(id) ?? state.get().byId.get(id)
    if (held && held.version >= version) return
    schedule()?.afterEvent()
  }

  /** Events of changes between the first load and the join were not received. */
  function joined(answer: WatchedList) {
    const { status, trouble } = state.get()
    onJoined(answer.ok)
    if (status !== 'ready' || trouble) void schedule()?.now()
    else if (answer.ok && answer.behind) schedule()?.afterJoin()
  }

  function receiveImport({ scopes, count }: ImportEvent) {
    if (!concerns(scopes, query.scope ?? {})) return
    const now = state.get()
    const sum = now.imported?.count === null || count === null ? null : (now.imported?.count ?? 0) + count
    if (!query.window && sum !== null && sum > MOST_FETCHED && now.status === 'ready')
      offer({ ...now, imported: { count: sum } })
    else schedule()?.afterEvent()
  }

  function receiveOwn(write: OwnWrite) {
    if (('record' in write ? write.record.type : write.type) !== type) return
    if (write.kind === 'saved') state.set(adoptOwn(state.get(), write.record))
    if (write.kind === 'removed') drop(new Set([write.id]))
    schedule()?.within(AFTER_OWN_MS)
  }

  return { receive, receiveOwn }
}

/** A scope of an import stands for this list; `[{}]` for any. */
const concerns = (scopes: readonly Scope[], own: Scope): boolean =>
  isSame(own, {}) ||
  (scopes.length === 1 && isSame(scopes[0], {})) ||
  scopes.some((scope) => isSame(scope, own))

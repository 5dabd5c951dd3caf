// One live list of this tab: the pure state (state.ts) with its effects. It receives events (events.ts), fetches changes on
// its refresh schedule, and shows them, unless the list is held or too much would move: then they wait, and are counted. It
// mounts with its first listener and is released a little after its last.

import type { Stop } from '../base/clock.ts'
import { createLifetime } from '../base/lifetime.ts'
import { createListeners, createWritable } from '../base/store.ts'
import { createListEvents } from './events.ts'
import { initialListState } from './initial-state.ts'
import { type CompareRecords, compareRecords } from './order.ts'
import { MOST_ROWS, wantedOf } from './query.ts'
import { createListRefresh } from './refresh.ts'
import { createRefreshSchedule, LARGE_LIST, PACE_MS, type RefreshSchedule } from './refresh-schedule.ts'
import { type ListState, showStaged } from './state.ts'
import type { ListStoreOptions, OwnedListStore } from './store-options.ts'
import { createWindowRefresh } from './window.ts'

export type { ListStore } from './store-options.ts'

const AFTER_HOLD_MS = 300
const POLL_MS = 5_000
const RECHECK_MS = 60_000

export function createListStore(options: ListStoreOptions): OwnedListStore {
  const { client, clock, page, type, query } = options
  const compare = compareRecords(query.sort ?? 'id', query.locale)
  const { overlay } = options
  const self = { type, query, compare }
  const most = query.most ?? MOST_ROWS
  const wanted = wantedOf(query)
  const { seed } = options
  const state = createWritable<ListState>(seed ? resorted(seed.get(), compare) : initialListState)
  const timers = new Set<Stop>()
  const left = createListeners()
  let persons = 0
  let epoch = options.epoch()
  let schedule: RefreshSchedule | null = null
  let holds = 0
  let isJoined = true
  let isWatched = false
  let heldAsOf: string | null = null
  let stops: Stop[] = []
  const refreshed = { client, type, wanted, state, later, personNow: () => persons }
  const windowed = query.window && createWindowRefresh({ ...refreshed, size: query.window.size })
  const refresh =
    windowed ?? createListRefresh({ ...refreshed, most, compare, cursor: seed?.cursor() ?? null })
  const lifetime = createLifetime({ clock, isMounted: () => stops.length > 0, mount, release })
  const events = createListEvents({
    type,
    query,
    state,
    offer: refresh.offer,
    drop: refresh.drop,
    schedule: () => schedule,
    onJoined(ok) {
      isJoined = ok
      isWatched = ok
    },
  })

  function later(delayMs: number, run: () => void) {
    const stop = clock.after(delayMs, () => {
      timers.delete(stop)
      run()
    })
    timers.add(stop)
  }

  /** Polls while no events arrive, or while this list is not joined. */
  function poll() {
    const { status } = client.connection.get()
    const isCut = status === 'polling' || status === 'offline' || state.get().trouble === 'unreachable'
    if (page.isVisible() && (isCut || !isJoined)) void schedule?.now()
    later(state.get().trouble === 'unreachable' ? POLL_MS / 2 : POLL_MS, poll)
  }

  function recheckRegularly() {
    if (page.isVisible() && refresh.needsRecheck() && state.get().status === 'ready') void refresh.recheck()
    later(RECHECK_MS, recheckRegularly)
  }

  function asOf(): string | null {
    if (schedule?.isPending()) return heldAsOf
    const { status, trouble } = state.get()
    return isWatched && status === 'ready' && trouble === null ? client.connection.get().asOf : null
  }

  function mount() {
    options.onUsed()
    const onDue = () => {
      heldAsOf = asOf()
    }
    const isCostly = () => !state.get().isWhole && state.get().rows.length > LARGE_LIST
    schedule = createRefreshSchedule({
      clock,
      page,
      random: options.random,
      paceMs: query.paceMs ?? PACE_MS,
      refresh: refresh.run,
      isCostly,
      onDue,
    })
    stops = [
      schedule.stop,
      client.onOwnWrite(events.receiveOwn),
      client.watchList(
        { type, ...(query.scope ? { scope: query.scope } : {}), cursor: refresh.cursor },
        events.receive,
      ),
    ]
    startTimers()
    void schedule.now()
  }

  function startTimers() {
    later(POLL_MS, poll)
    later(RECHECK_MS, recheckRegularly)
  }

  function release() {
    for (const stop of [...stops, ...timers, lifetime.stop]) stop()
    timers.clear()
    stops = []
    isWatched = false
    schedule = null
    options.onIdle()
  }

  function leave() {
    epoch = options.epoch()
    persons += 1
    heldAsOf = null
    isWatched = false
    refresh.leave()
    for (const stop of timers) stop()
    timers.clear()
    if (stops.length > 0) startTimers()
    state.replace({ ...initialListState, isHeld: holds > 0 })
    left.notify()
    queueMicrotask(() => void schedule?.now())
  }

  return {
    type,
    query,
    showing: (first, last) => windowed?.moves.showing(first, last),
    toStart: async () => windowed?.moves.toStart(),
    toEnd: async () => windowed?.moves.toEnd(),
    cursor: refresh.cursor,
    asOf,
    get() {
      options.checkPerson()
      if (epoch !== options.epoch()) leave()
      return overlay ? overlay.over(self, state.get()) : state.get()
    },
    onLeft: left.add,
    leave,
    subscribe(listener) {
      const stops = [state.subscribe(listener), overlay?.subscribe(listener)]
      return lifetime.add(() => {
        for (const stop of stops) stop?.()
      })
    },
    reload() {
      refresh.force()
      const now = state.get()
      if (now.status === 'failed') state.set({ ...now, status: 'loading', trouble: null })
      if (now.staged.size > 0 || now.isOffered) refresh.show(now)
      return schedule?.now() ?? Promise.resolve()
    },
    keepEditing: () => state.set({ ...state.get(), isKept: true }),
    hold() {
      holds += 1
      if (holds === 1) state.set({ ...state.get(), isHeld: true })
      let isReleased = false
      return () => {
        if (isReleased) return
        isReleased = true
        holds -= 1
        if (holds > 0) return
        state.set({ ...state.get(), isHeld: false, isKept: false })
        if (state.get().staged.size > 0) schedule?.within(AFTER_HOLD_MS)
      }
    },
    close: release,
  }
}

/** The rows of the same list in another order, in this order. */
function resorted(seed: ListState, compare: CompareRecords): ListState {
  const shown = showStaged({ ...seed, isHeld: false }, compare)
  const { byId, isWhole } = shown
  return {
    ...initialListState,
    status: 'ready',
    rows: [...byId.values()].sort(compare),
    byId,
    isWhole,
  }
}

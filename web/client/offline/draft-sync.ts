// Keeps a page's edits in storage: a moment after they change, and at once when a save is sent or the page is hidden or
// left. It also brings back the edits of earlier pages. Storage that fails is shown, and tried again with the next edit.

import type { RecordAddress } from '../../../server/protocol/index.ts'
import { elapsedOf, type Stop } from '../base/clock.ts'
import { createTimers } from '../base/timers.ts'
import { askedAt } from '../device/asked-order.ts'
import { isLate } from '../device/browser-limits.ts'
import type { Tabs } from '../device/browser-tabs.ts'
import type { DraftClient } from '../record/draft-persistence.ts'
import { editsOf, type RecordState, type UnsentEdits } from '../record/state.ts'
import { grownBy, hasRoom, isSameEdits, replacedBy, troubleOf } from './compared-edits.ts'
import type { CreatedIds } from './created-ids.ts'
import { createDiscarded } from './discarded.ts'
import { entryKey, isAsked, type UnsentEntry, type UnsentState, type UnsentTrouble } from './draft-storage.ts'
import { isLocalId } from './local-ids.ts'
import type { EditStorage } from './storages.ts'
import { withWaits } from './waiting-parents.ts'

const WRITE_AFTER_MS = 100
/** An answer to a save is shown no later than this, whatever storage does. */
const SHOWN_AFTER_MS = 300
/** Writing takes at most this share of the time, however long the text. */
const WRITING_SHARE = 0.1

export interface EditKeepingOptions {
  client: DraftClient
  storage: EditStorage
  tabs: Tabs
  ids: CreatedIds
  show: (patch: Partial<UnsentState>) => void
  /** Another page has changed what is kept. */
  onTabsChanged: () => void
  /** A save that was asked for at this time has replaced this version by the next one. */
  onSaved: (address: RecordAddress, version: number, askedAt: number) => void
}

export type EditKeeping = ReturnType<typeof keepEdits>

export function keepEdits(options: EditKeepingOptions) {
  const { client, storage, tabs, ids, show, onTabsChanged } = options
  const { clock, page, tabId } = client
  const timers = createTimers(clock)
  /** This page's own edits, newer than what storage has of them. */
  const own = new Map<string, UnsentEntry>()
  const unwritten = new Map<string, UnsentEntry | null>()
  let writing: Promise<void> = Promise.resolve()
  /** How many writes wait for storage. */
  let waiting = 0
  let tookMs = 0
  let isStopped = false
  const discarded = createDiscarded<UnsentEntry>()
  /** As they were read last. */
  let ofOthers: readonly UnsentEntry[] = []
  /** A read proves no room to write, so it ends `unknown` and nothing else. */
  let storageState: UnsentState['storage'] = 'unknown'
  const showStorage = (found: UnsentState['storage']) => {
    storageState = found
    show({ storage: found })
  }

  /** The current person. Edits of others stay in `own`, and are theirs. */
  const person = () => client.userId()
  const ofPerson = ({ person: whose }: UnsentEntry) => whose === person()
  const live = () => [...own.values()].filter(ofPerson)
  const all = (): UnsentEntry[] => [...ofOthers.filter(ofPerson), ...live()]

  const fail = (error: unknown) => {
    const isFull = error instanceof Error && error.name === 'QuotaExceededError'
    showStorage(isFull ? 'full' : 'barred')
  }

  function keep(address: RecordAddress, state: RecordState) {
    const whose = person()
    if (whose === null) return
    const key = entryKey(whose, address, tabId)
    const before = own.get(key)
    const edits = editsOf(state)
    const replaced = replacedBy(before, state)
    if (before && replaced !== null) options.onSaved(address, replaced, before.at)
    if (!edits) {
      if (!own.delete(key)) return
      unwritten.set(key, null)
    } else {
      const trouble = troubleOf(state)
      if (before && isSameEdits(before.edits, edits) && before.trouble?.kind === trouble?.kind) return
      const isSameAsk = (before?.edits.unanswered === null) === (edits.unanswered === null)
      const at = before && isSameAsk ? before.at : askedAt(clock)
      const { type, id } = address
      const entry: UnsentEntry = {
        type,
        id,
        key,
        edits,
        at,
        trouble,
        person: whose,
        tab: tabId,
        changedAt: clock.now(),
      }
      own.set(key, entry)
      unwritten.set(key, entry)
    }
    const isAskedNow =
      edits?.unanswered !== before?.edits.unanswered || edits?.next?.kind !== before?.edits.next?.kind
    const isUrgent = isAskedNow || !page.isVisible()
    if (isUrgent) void write()
    else timers.start('write', Math.max(WRITE_AFTER_MS, tookMs / WRITING_SHARE), () => void write(), 'keep')
  }

  /** One after the other, so that an older state of an entry never lands on a newer one. */
  function write(): Promise<void> {
    timers.cancel('write')
    waiting += 1
    writing = writing.then(async () => {
      const begun = elapsedOf(clock)
      // What has moved to another entry is there before it goes here.
      const moves = [...unwritten].sort(([, a], [, b]) => Number(a === null) - Number(b === null))
      for (const [key, entry] of moves) {
        if (!entry && !(await ids.isSafe(JSON.parse(key)[2]))) continue
        try {
          if (entry) await storage.put(entry)
          else await storage.remove(key)
          if (unwritten.get(key) === entry) unwritten.delete(key)
          showStorage('ok')
        } catch (error) {
          fail(error)
          if (isLate(error)) break
        }
      }
      tookMs = Math.max(0, elapsedOf(clock) - begun)
      waiting -= 1
      tabs.notify()
      await refresh()
    })
    return writing
  }

  /** The page may be gone before an earlier write is answered: storage gets at once what that one doesn't have. */
  function writeBeforeLeaving() {
    if (unwritten.size === 0) return
    // What fails here is shown by the write after it.
    if (waiting > 0) for (const entry of unwritten.values()) if (entry) storage.put(entry).catch(() => {})
    void write()
  }

  /** Storage that has not answered by then counts as keeping nothing yet. */
  async function isKept(address: RecordAddress): Promise<boolean> {
    const whose = person()
    if (whose === null) return false
    const key = entryKey(whose, address, tabId)
    await new Promise<void>((resolve) => {
      const stop = clock.after(SHOWN_AFTER_MS, resolve)
      void writing.then(stop).then(resolve)
    })
    return own.has(key) && !unwritten.has(key)
  }

  /** Other pages' edits are read from storage, this page's own from memory. */
  async function refresh(): Promise<void> {
    const whose = person()
    if (whose === null || isStopped) return
    const kept = await storage.all(whose).catch((error) => {
      fail(error)
      return null
    })
    if (whose !== person() || isStopped) return
    const others = kept?.filter(({ tab }) => tab !== tabId) ?? []
    const isThere = ({ key }: UnsentEntry) => others.some((other) => other.key === key)
    const isFewer = ofOthers.some((entry) => isLocalId(entry.id) && !isThere(entry))
    ofOthers = others
    if (isFewer) await ids.load()
    if (whose !== person() || isStopped) return
    show({ entries: withWaits(all(), ids).toSorted((a, b) => a.at - b.at) })
    if (kept && storageState === 'unknown') showStorage('ok')
  }

  /** Entries of pages that are no more. */
  async function orphans(): Promise<UnsentEntry[]> {
    const whose = person()
    if (whose === null) return []
    const [entries, alive] = await Promise.all([storage.all(whose), tabs.alive()])
    if (whose !== person()) return []
    return entries.filter(({ tab }) => tab !== tabId && !alive?.has(tab))
  }

  /** What an earlier page left of one record: what was asked to be saved first, then the newest. */
  async function recall(address: RecordAddress, stateNow: () => RecordState): Promise<UnsentEdits | null> {
    try {
      const left = (await orphans()).filter(({ type, id }) => type === address.type && id === address.id)
      left.sort((a, b) => Number(isAsked(b)) - Number(isAsked(a)) || b.changedAt - a.changedAt)
      for (const entry of left) {
        if (entry.person !== person()) break
        if (!hasRoom(stateNow(), entry.edits)) continue
        const key = entryKey(entry.person, entry, tabId)
        const grown = () => grownBy(own.get(key), { ...entry, key, tab: tabId })
        if (!(await storage.claim(entry.key, grown()))) continue
        if (entry.person === person() && hasRoom(stateNow(), entry.edits)) {
          own.set(key, grown())
          tabs.notify()
          void refresh()
          return entry.edits
        }
        await storage.put(entry)
        unwritten.set(key, own.get(key) ?? null)
        await write()
      }
    } catch (error) {
      fail(error)
    }
    return null
  }

  /** The server has answered a save that no editor had room for: what it did not take is there to be restored. */
  async function settle(entry: UnsentEntry, edits: UnsentEdits | null, trouble: UnsentTrouble | null) {
    const { person: whose, type, tab } = entry
    const id = edits?.base?.id ?? entry.id
    const key = entryKey(whose, { type, id }, tab)
    if (edits) await storage.put({ ...entry, key, id, edits, trouble })
    if (!edits || key !== entry.key) await storage.remove(entry.key)
    tabs.notify()
    await refresh()
  }

  const showDiscarded = () => show({ discarded: discarded.of(person()) })

  async function discard(key: string) {
    const whose = person()
    const mine = own.get(key)
    const found =
      mine ?? (whose === null ? [] : await storage.all(whose).catch(() => [])).find((one) => one.key === key)
    if (found) discarded.add(found)
    showDiscarded()
    if (mine && client.discard(mine)) return write()
    await storage.remove(key).catch(fail)
    tabs.notify()
    await refresh()
  }

  /** As if it had not been discarded; it is found where its record is opened, or waits in its form. */
  function undoDiscard(key: string) {
    const entry = discarded.of(person()).find((one) => one.key === key)
    if (!entry) return
    discarded.remove(entry)
    client.bringBack(entry, entry.edits)
    // It is shown as discarded until it is shown as unsent: a list that is empty in between may be taken away.
    void write().then(showDiscarded)
  }

  async function clear() {
    const whose = person()
    if (whose === null) return
    discarded.clear(whose)
    showDiscarded()
    for (const { key } of live()) {
      own.delete(key)
      unwritten.delete(key)
    }
    await writing
    for (const { key } of await storage.all(whose)) await storage.remove(key).catch(fail)
    tabs.notify()
    await refresh()
  }

  const stops: Stop[] = [
    timers.cancelAll,
    tabs.onChange(() => void refresh().then(onTabsChanged)),
    page.onChange(writeBeforeLeaving),
  ]
  return {
    person,
    keep,
    isKept,
    recall,
    orphans,
    settle,
    refresh,
    discard,
    undoDiscard,
    clear,
    live,
    all,
    find: (address: RecordAddress) => own.get(entryKey(person() ?? '', address, tabId)),
    leave() {
      show({ entries: [] })
      ofOthers = []
      void ids.load()
      if (storageState === 'ok') showStorage('unknown')
      showDiscarded()
      if (unwritten.size > 0) void write()
      else void refresh()
    },
    /** `null`: everything is written; else resolves when it is. Only then the page may be called dead. */
    stop(): Promise<void> | null {
      isStopped = true
      for (const stop of stops) stop()
      return unwritten.size > 0 ? write() : null
    },
  }
}

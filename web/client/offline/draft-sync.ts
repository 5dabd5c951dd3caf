// Keeps a page's edits in storage: a moment after they change, and at once when a save is sent or the page is hidden or
// left. It also brings back the edits of earlier pages. Storage that fails is shown, and tried again with the next edit.

import type { RecordAddress } from '../../../server/protocol/index.ts'
import { elapsedOf, type Stop } from '../base/clock.ts'
import { createTimers } from '../base/timers.ts'
import { isEmpty } from '../base/values.ts'
import type { DraftClient } from '../record/draft-persistence.ts'
import { editsOf, type RecordState, type UnsentEdits } from '../record/state.ts'
import { askedAt } from './asked-order.ts'
import { isLate } from './browser-limits.ts'
import type { Tabs } from './browser-tabs.ts'
import { hasRoom } from './can-restore.ts'
import {
  type EditStorage,
  entryKey,
  isAsked,
  type UnsentEntry,
  type UnsentState,
  type UnsentTrouble,
} from './draft-storage.ts'

const WRITE_AFTER_MS = 100
/** An answer to a save is shown no later than this, whatever storage does. */
const SHOWN_AFTER_MS = 300
const MOST_DISCARDED = 200
/** Writing takes at most this share of the time, however long the text. */
const WRITING_SHARE = 0.1

export interface EditKeepingOptions {
  client: DraftClient
  storage: EditStorage
  tabs: Tabs
  show: (patch: Partial<UnsentState>) => void
  /** Another page has changed what is kept. */
  onTabsChanged: () => void
}

export type EditKeeping = ReturnType<typeof keepEdits>

export function keepEdits({ client, storage, tabs, show, onTabsChanged }: EditKeepingOptions) {
  const { clock, page, tabId } = client
  const timers = createTimers(clock)
  /** This page's own edits, newer than what storage has of them. */
  const own = new Map<string, UnsentEntry>()
  const unwritten = new Map<string, UnsentEntry | null>()
  let writing: Promise<void> = Promise.resolve()
  let tookMs = 0
  let isStopped = false
  let discarded: UnsentEntry[] = []
  /** A read proves no room to write, so it ends `unknown` and nothing else. */
  let storageState: UnsentState['storage'] = 'unknown'
  const showStorage = (found: UnsentState['storage']) => {
    storageState = found
    show({ storage: found })
  }

  /** The current person. Edits of others stay in `own`, and are theirs. */
  const person = () => client.userId()
  const live = () => {
    const whose = person()
    return [...own.values()].filter((entry) => entry.person === whose)
  }

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
    if (!edits) {
      if (!own.delete(key)) return
      unwritten.set(key, null)
    } else {
      const trouble = troubleOf(state)
      if (before && isSameEdits(before.edits, edits) && before.trouble?.kind === trouble?.kind) return
      const at = before && isAsked(before) === (edits.unanswered !== null) ? before.at : askedAt(clock)
      const { type, id } = address
      const entry: UnsentEntry = {
        ...{ type, id, key, edits, at, trouble },
        person: whose,
        tab: tabId,
        changedAt: clock.now(),
      }
      own.set(key, entry)
      unwritten.set(key, entry)
    }
    const isUrgent = edits?.unanswered !== before?.edits.unanswered || !page.isVisible()
    if (isUrgent) void write()
    else timers.start('write', Math.max(WRITE_AFTER_MS, tookMs / WRITING_SHARE), () => void write(), 'keep')
  }

  /** One after the other, so that an older state of an entry never lands on a newer one. */
  function write(): Promise<void> {
    timers.cancel('write')
    writing = writing.then(async () => {
      const begun = elapsedOf(clock)
      for (const [key, entry] of [...unwritten]) {
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
      tabs.notify()
      await refresh()
    })
    return writing
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
    show({ entries: [...others, ...live()].toSorted((a, b) => a.at - b.at) })
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
        if (!(await storage.claim(entry.key, grownBy(entry, key)))) continue
        if (entry.person === person() && hasRoom(stateNow(), entry.edits)) {
          own.set(key, grownBy(entry, key))
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

  function grownBy(entry: UnsentEntry, key: string): UnsentEntry {
    const mine = own.get(key)
    return mine ? { ...mine, edits: bothEdits(mine.edits, entry.edits) } : { ...entry, key, tab: tabId }
  }

  /** The server has answered a save that no editor had room for: what it did not take is there to be restored. */
  async function settle(entry: UnsentEntry, edits: UnsentEdits | null, trouble: UnsentTrouble | null) {
    if (edits) await storage.put({ ...entry, edits, trouble })
    else await storage.remove(entry.key)
    tabs.notify()
    await refresh()
  }

  const showDiscarded = () => {
    const whose = person()
    show({ discarded: discarded.filter((entry) => entry.person === whose) })
  }

  async function discard(key: string) {
    const whose = person()
    const mine = own.get(key)
    const found =
      mine ?? (whose === null ? [] : await storage.all(whose).catch(() => [])).find((one) => one.key === key)
    if (found) discarded = [found, ...discarded.filter((one) => one.key !== key)].slice(0, MOST_DISCARDED)
    showDiscarded()
    if (mine && client.discard(mine)) return write()
    await storage.remove(key).catch(fail)
    tabs.notify()
    await refresh()
  }

  /** As if it had not been discarded; it is found where its record is opened, or waits in its form. */
  function undoDiscard(key: string) {
    const entry = discarded.find((one) => one.key === key)
    if (!entry || entry.person !== person()) return
    discarded = discarded.filter((one) => one !== entry)
    client.bringBack(entry, entry.edits)
    // It is shown as discarded until it is shown as unsent: a list that is empty in between may be taken away.
    void write().then(showDiscarded)
  }

  async function clear() {
    const whose = person()
    if (whose === null) return
    discarded = discarded.filter((entry) => entry.person !== whose)
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
    page.onChange(() => {
      if (unwritten.size > 0) void write()
    }),
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
    leave() {
      show({ entries: [] })
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

const isSameEdits = (a: UnsentEdits, b: UnsentEdits) =>
  a.base === b.base &&
  a.draft === b.draft &&
  a.kept === b.kept &&
  a.unanswered === b.unanswered &&
  a.next === b.next

/** One record's edits of two pages: those of the first that has some as they are, the other's to be restored. */
function bothEdits(edits: UnsentEdits, other: UnsentEdits): UnsentEdits {
  const isIdle = isEmpty(edits.draft) && !edits.unanswered
  const aside = isIdle ? {} : other.draft
  const fields = { ...other.kept?.fields, ...aside, ...edits.kept?.fields }
  const kept = isEmpty(fields) ? null : { fields, why: 'recalled' as const, isHidden: false }
  return { ...(isIdle ? other : edits), kept }
}

function troubleOf({ conflict, status, trouble, errors }: RecordState): UnsentTrouble | null {
  if (conflict) return { kind: 'conflict' }
  if (status === 'gone') return { kind: 'gone' }
  if (status === 'forbidden' || trouble?.kind === 'not_allowed') return { kind: 'forbidden' }
  if (trouble?.kind === 'failed') return { ...trouble, kind: 'refused' }
  const [field, message] = Object.entries(errors)[0] ?? []
  return field === undefined ? null : { kind: 'refused', detail: `${field}: ${message}` }
}

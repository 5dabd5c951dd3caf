// Answered saves that the server lost because its database went back. A record's history says which; they are offered again
// in the record's editor, and those that no editor made are named to the page too. Invariant: they are of the current person
// alone.

import type { RecordAddress } from '../../../server/protocol/index.ts'
import type { Stop } from '../base/clock.ts'
import { createWritable } from '../base/store.ts'
import type { Timers } from '../base/timers.ts'
import type { OwnSave } from '../http/own-writes.ts'
import type { RecordState, RecordStateEvent } from './state.ts'
import type { RecordStoreOptions } from './store-options.ts'

/** An answered save that the server lost. Its record's editor offers it again. */
export type LostSave = OwnSave & RecordAddress

const MOST_SAVES = 50
const AGAIN_MS = 3000

interface HistoryRequests {
  requests: Pick<RecordStoreOptions['requests'], 'history'>
}

interface LostSearchOptions extends HistoryRequests {
  address: RecordAddress
  timers: Timers
  stateNow: () => RecordState
  /** Rises with each change of person: an answer to an earlier one is dropped. */
  personNow: () => number
  dispatch: (stateEvent: RecordStateEvent) => void
}

/**
 * Asks the history of an open record for its own saves once the record is loaded again: a lost one can be hidden behind a
 * newer version.
 */
export function createLostSearch(options: LostSearchOptions) {
  const { address, requests, timers, stateNow, personNow, dispatch } = options
  let isDue = false

  async function findLost() {
    isDue = false
    const { record, ownSaves } = stateNow()
    const asked = ownSaves.filter(({ version }) => version < (record?.version ?? 0))
    if (asked.length === 0) return
    const person = personNow()
    const answer = await requests.history(address.type, address.id)
    if (person !== personNow()) return
    if (mayPass(answer)) timers.start('lost', AGAIN_MS, () => void findLost())
    if (answer.outcome !== 'found') return
    dispatch({ kind: 'saves_lost', saves: lostAmong(asked, answer.entries) })
  }

  return {
    /** The server's database is in another history. */
    historyChanged() {
      isDue = true
    },
    loaded() {
      if (isDue) void findLost()
    },
  }
}

/** Saves that no editor made: in a list's cell, or by the client itself. */
export function createUnopenedSaves({
  requests,
  epoch,
  clock,
}: Pick<RecordStoreOptions, 'epoch' | 'clock'> & HistoryRequests) {
  let saves: readonly LostSave[] = []
  let stopRetry: Stop = () => {}
  const lost = createWritable<readonly LostSave[]>([])

  const self = {
    lost,
    note(save: LostSave) {
      saves = [...saves.slice(1 - MOST_SAVES), save]
    },
    async findLost(offer: (save: LostSave) => void) {
      const person = epoch()
      for (const key of new Set(saves.map(({ type, id }) => JSON.stringify([type, id])))) {
        const [type, id] = JSON.parse(key) as [string, string]
        const answer = await requests.history(type, id)
        if (person !== epoch()) return
        if (mayPass(answer)) {
          stopRetry()
          stopRetry = clock.after(AGAIN_MS, () => void self.findLost(offer))
        }
        if (answer.outcome !== 'found') continue
        const ofRecord = saves.filter((save) => save.type === type && save.id === id)
        const found = lostAmong(ofRecord, answer.entries)
        saves = saves.filter((save) => !found.includes(save))
        if (found.length > 0) lost.set([...lost.get(), ...found])
        for (const save of found) offer(save)
      }
    },
    dismiss(save: LostSave) {
      lost.set(lost.get().filter((each) => each !== save))
    },
    leave() {
      stopRetry()
      saves = []
      lost.replace([])
    },
    close: () => stopRetry(),
  }
  return self
}

/** The history was not to be had, and may be later. */
const mayPass = ({ outcome }: { outcome: string }): boolean =>
  outcome === 'unreachable' || outcome === 'failed'

/** Those saves that a record's history doesn't have, as far as it reaches back. */
function lostAmong<S extends OwnSave>(saves: readonly S[], entries: readonly { version: number }[]): S[] {
  const versions = new Set(entries.map(({ version }) => version))
  const oldest = Math.min(...versions)
  return saves.filter(({ version }) => version > oldest && !versions.has(version))
}

// Saves that no editor made: in a list's cell, or by the client itself. Where the server's database goes back, those that it
// lost are offered again in the record's editor, and named to the page. Invariant: they are of the current person alone.

import type { RecordAddress } from '../../../server/protocol/index.ts'
import type { Stop } from '../base/clock.ts'
import { createWritable } from '../base/store.ts'
import type { OwnSave } from '../http/own-writes.ts'
import { lostAmong, mayPass } from './restored.ts'
import type { RecordStoreOptions } from './store-options.ts'

/** An answered save that the server lost. Its record's editor offers it again. */
export type LostSave = OwnSave & RecordAddress

const MOST_SAVES = 50
const AGAIN_MS = 3000

export function createUnopenedSaves({
  requests,
  epoch,
  clock,
}: Pick<RecordStoreOptions, 'epoch' | 'clock'> & {
  requests: Pick<RecordStoreOptions['requests'], 'history'>
}) {
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

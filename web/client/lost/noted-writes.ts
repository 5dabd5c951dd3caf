// Writes that no editor made: in a list's cell, by the client itself, of many records, of a file. Where the server's database
// goes back, those that it lost are named to the page, and can be made again: a save of one record in the record's editor.
// What finds them is loaded on use. Invariant: they are of the current person alone.

import type { Stop } from '../base/clock.ts'
import { lateFunctions } from '../base/lazy-module.ts'
import { createWritable } from '../base/store.ts'
import type { LostSave, NotedWrites, NotedWritesOptions } from './types.ts'

const MOST_WRITES = 50
const AGAIN_MS = 3000

/** Nothing is sent for the person who comes after. */
const HAS_LEFT = new Error('The person has left.')

/** Notes what is answered, and nothing more until the database goes back. */
export function createNotedWrites(options: NotedWritesOptions): NotedWrites {
  const { clock, checkPerson } = options
  let stopRetry: Stop = () => {}
  const load = async () => {
    checkPerson()
    const person = options.epoch()
    const { createNotedRequests } = await import('./noted-requests.ts')
    checkPerson()
    if (person !== options.epoch()) throw HAS_LEFT
    return createNotedRequests(self, options)
  }
  const self: NotedWrites = {
    writes: [],
    lost: createWritable<readonly LostSave[]>([]),
    note(write) {
      self.writes = [...self.writes.slice(1 - MOST_WRITES), { count: 1, fileName: '', ...write }]
    },
    requests: lateFunctions(['create', 'saveMany', 'importFile'], load, (error) =>
      error === HAS_LEFT
        ? { outcome: 'unauthenticated' }
        : { outcome: 'unreachable', retryAfterMs: null, detail: String(error) },
    ),
    async findLost(offer) {
      stopRetry()
      if (self.writes.length === 0) return
      const person = options.epoch()
      const isDone = await import('./find-lost.ts').then(
        ({ findLost }) => findLost(self, options, offer),
        () => false,
      )
      if (!isDone && person === options.epoch())
        stopRetry = clock.after(AGAIN_MS, () => void self.findLost(offer))
    },
    restore: async (save) => (await import('./find-lost.ts')).restore(self, options, save),
    dismiss(save) {
      self.lost.set(self.lost.get().filter((each) => each !== save))
    },
    leave() {
      stopRetry()
      self.writes = []
      self.lost.replace([])
    },
    close: () => stopRetry(),
  }
  return self
}

// Writes that no editor made: in a list's cell, by the client itself, of many records, of a file. Where the server's database
// goes back, those that it lost are named to the page, and can be made again: a save of one record in the record's editor.
// What finds them is loaded on use. Invariant: they are of the current person alone.

import type { Fields } from '../../../server/protocol/index.ts'
import { elapsedOf, type Stop } from '../base/clock.ts'
import { createWritable } from '../base/store.ts'
import type { ClientCreateOutcome } from '../http/outcomes.ts'
import type { LostSave, NotedWrites, NotedWritesOptions } from './types.ts'

const MOST_WRITES = 50
const AGAIN_MS = 3000

/** Notes what is answered, and nothing more until the database goes back. */
export function createNotedWrites(options: NotedWritesOptions): NotedWrites {
  const { requests, clock, newId } = options
  let stopRetry: Stop = () => {}
  const self: NotedWrites = {
    writes: [],
    lost: createWritable<readonly LostSave[]>([]),
    note(write) {
      self.writes = [...self.writes.slice(1 - MOST_WRITES), { count: 1, fileName: '', ...write }]
    },
    requests: {
      async create<F extends object = Fields>(
        ...[type, fields, more]: Parameters<typeof requests.create<F>>
      ) {
        const outcome: ClientCreateOutcome<F> = await requests.create<F>(type, fields, more)
        if (outcome.outcome === 'created') {
          const { id, version, updated_at } = outcome.record
          const at = options.localTime(updated_at)
          self.note({ what: 'creation', type, id, version, at, changes: { ...fields }, mutationId: newId() })
        }
        return outcome
      },
      async saveMany(type, bulk) {
        const outcome = await requests.saveMany(type, bulk)
        const records = outcome.outcome === 'saved' ? outcome.records : []
        const saved = records.flatMap(({ id, version }) => (version ? [{ id, version }] : []))
        const changes = bulk.changes as Fields
        if (saved[0])
          self.note({
            ...{ ...saved[0], what: 'bulk', type, at: clock.now(), changes, count: saved.length },
            bulk: { options: bulk, saved },
          })
        return outcome
      },
      async importFile(type, file, given) {
        const mutationId = given?.mutationId ?? newId()
        const sent = { ...given, mutationId }
        const outcome = await requests.importFile(type, file, sent)
        if (outcome.outcome === 'imported' && !sent.dryRun && file instanceof Blob)
          self.note({
            ...{ what: 'import', type, id: '', version: 0, at: clock.now(), changes: {}, mutationId },
            count: outcome.answer.created + outcome.answer.updated,
            fileName: sent.name ?? ('name' in file ? String(file.name) : ''),
            import: { file, options: sent, since: elapsedOf(clock) },
          })
        return outcome
      },
    },
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

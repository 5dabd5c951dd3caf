// Writes of many records, creations and imports, as a client offers them: what is answered is noted. Loaded with the first call.

import type { Fields } from '../../../server/protocol/index.ts'
import { elapsedOf } from '../base/clock.ts'
import * as moreRequests from '../http/more-requests.ts'
import type { ClientCreateOutcome } from '../http/outcomes.ts'
import { moreRequestsCode } from '../http/requests.ts'
import type { NotedWrites, NotedWritesOptions } from './types.ts'

moreRequestsCode.provide(moreRequests)

export function createNotedRequests(
  { note }: Pick<NotedWrites, 'note'>,
  { requests, clock, newId, localTime }: NotedWritesOptions,
): NotedWrites['requests'] {
  return {
    async create<F extends object = Fields>(...[type, fields, more]: Parameters<typeof requests.create<F>>) {
      const outcome: ClientCreateOutcome<F> = await requests.create<F>(type, fields, more)
      if (outcome.outcome === 'created') {
        const { id, version, updated_at } = outcome.record
        const at = localTime(updated_at)
        note({ what: 'creation', type, id, version, at, changes: { ...fields }, mutationId: newId() })
      }
      return outcome
    },
    async saveMany(type, bulk) {
      const outcome = await requests.saveMany(type, bulk)
      const records = outcome.outcome === 'saved' ? outcome.records : []
      const saved = records.flatMap(({ id, version }) => (version ? [{ id, version }] : []))
      const changes = bulk.changes as Fields
      if (saved[0])
        note({
          ...saved[0],
          what: 'bulk',
          type,
          at: clock.now(),
          changes,
          count: saved.length,
          bulk: { options: bulk, saved },
        })
      return outcome
    },
    async importFile(type, file, given) {
      const mutationId = given?.mutationId ?? newId()
      const sent = { ...given, mutationId }
      const outcome = await requests.importFile(type, file, sent)
      if (outcome.outcome === 'imported' && !sent.dryRun && file instanceof Blob)
        note({
          what: 'import',
          type,
          id: '',
          version: 0,
          at: clock.now(),
          changes: {},
          mutationId,
          count: outcome.answer.created + outcome.answer.updated,
          fileName: sent.name ?? ('name' in file ? String(file.name) : ''),
          import: { file, options: sent, since: elapsedOf(clock) },
        })
      return outcome
    },
  }
}

// The operations that an app calls in routes and programs of its own.
// Invariant: they are the routes' own; a write wakes the feeds, one in a caller's transaction when that commits.
import type { SaveManyOptions, SaveManyOutcome } from './bulk-save.ts'
import type { CreateOptions } from './create.ts'
import type { Database } from './db/database.ts'
import type { ImportOptions, ImportOutcome } from './import.ts'
import type {
  CreateOutcome,
  HistoryOutcome,
  ReadOutcome,
  RemoveOutcome,
  SaveOutcome,
  VersionOutcome,
} from './outcomes.ts'
import { readHistory, readRecord, readVersion } from './read.ts'
import type { Actor } from './record-type.ts'
import type { RemoveOptions } from './remove.ts'
import type { SaveOptions } from './save.ts'
import type { WriteOptions } from './write.ts'
import { createRecord, importRecords, removeRecord, saveMany, saveRecord } from './writes.ts'

/** All answer with outcomes as values; they throw for broken promises alone. */
export interface Operations<A extends Actor> {
  read(type: string, id: string, options: { actor: A }): Promise<ReadOutcome>
  version(type: string, id: string, options: { actor: A }): Promise<VersionOutcome>
  history(
    type: string,
    id: string,
    options: { actor: A; limit?: number; before?: number },
  ): Promise<HistoryOutcome>
  create(type: string, options: CreateOptions<A>): Promise<CreateOutcome>
  save(type: string, id: string, options: SaveOptions<A>): Promise<SaveOutcome>
  remove(type: string, id: string, options: RemoveOptions<A>): Promise<RemoveOutcome>
  /** The same changes to many records, each guarded by its own version, in one statement. */
  saveMany(type: string, options: SaveManyOptions<A>): Promise<SaveManyOutcome>
  /** Creates records from a file's rows, or updates them by a key: all or none, in one transaction. */
  import(type: string, options: ImportOptions<A>): Promise<ImportOutcome>
}

export const recordOperations = <A extends Actor>(database: Database<A>, wake: () => void): Operations<A> => {
  /** A caller's transaction tells of its writes when it commits, not before. */
  const wakeAfter = ({ transaction }: WriteOptions<A>) => {
    if (transaction) transaction.executionPromise.then(wake, () => {})
    else wake()
  }

  return {
    read: (type, id, { actor }) => readRecord(database, { actor, type, id }),
    version: (type, id, { actor }) => readVersion(database, { actor, type, id }),
    history: (type, id, { actor, ...page }) => readHistory(database, { actor, type, id }, page),
    create: async (type, options) => {
      const outcome = await createRecord(database, type, options)
      if (outcome.outcome === 'created') wakeAfter(options)
      return outcome
    },
    save: async (type, id, options) => {
      const outcome = await saveRecord(database, type, id, options)
      if (outcome.outcome === 'saved') wakeAfter(options)
      return outcome
    },
    remove: async (type, id, options) => {
      const outcome = await removeRecord(database, type, id, options)
      if (outcome.outcome === 'removed') wakeAfter(options)
      return outcome
    },
    saveMany: async (type, options) => {
      const outcome = await saveMany(database, type, options)
      if (outcome.outcome === 'saved') wakeAfter(options)
      return outcome
    },
    import: async (type, options) => {
      const outcome = await importRecords(database, type, options)
      if (outcome.outcome === 'imported') wakeAfter(options)
      return outcome
    },
  }
}

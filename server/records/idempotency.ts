// What saving, creating and deleting share: replays by mutation id, and retries.
// Invariant: a mutation id is stored in the transaction of the write that it names, for the user who wrote. A replay writes
// nothing and gets the first response; the same id with other content is refused.
import { createHash } from 'node:crypto'
import type { Knex } from 'knex'
import { checkBeforeWrite, type OpenRequest, PermissionOutdated } from '../base/open-requests.ts'
import type { Forbidden, Invalid, Reused } from '../base/outcomes.ts'
import { problem } from '../base/problems.ts'
import type { Actor } from '../base/record-type.ts'
import { isUnstamped, SetupError } from '../base/setup-error.ts'
import {
  isCancelled,
  isNotPlain,
  isOfOtherType,
  isRetryable,
  isStoredMutation,
  refusedValues,
} from '../db/errors.ts'
import { type Row, statement } from '../db/statement.ts'
import { CacheCleared, type Database, type KnownType } from '../tables/database.ts'
import type { IsStill } from '../tables/record-cache.ts'
import type { StoredJson } from './stored-json.ts'

/** Where a write comes from, and the id by which a replay is recognized. */
export interface WriteOptions<A extends Actor = Actor> {
  /** Who writes: what `authenticate` gave, or one of your own making. */
  actor: A
  /** The page that wrote: it knows the change already. */
  tabId?: string | undefined
  /** The socket that must not receive the event. */
  socketId?: string | undefined
  /** Names this write; 1 to 200 characters. */
  mutationId?: string | undefined
  /**
   * A transaction of the caller's; one that has ended is an error. The event follows its commit. After `invalid` it is
   * aborted, as PostgreSQL has it.
   */
  transaction?: Knex.Transaction | undefined
  /** @internal The request that it comes from: permission is asked for again right before the write where that is due. */
  request?: OpenRequest | undefined
}

/** What a mutation id is bound to: the operation, the record and the whole request. */
export const requestHash = (...parts: unknown[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('base64url')

const STORED = statement(`
select m.request_hash, m.answer from noclobber.mutations m
where m.tenant_id = $1 and m.actor_id = $2 and m.mutation_id = $3`)

/** Parameters that store the response; none if the write has no mutation id. */
export const mutationParameters = (options: WriteOptions, hash: string): string[] =>
  options.mutationId ? [options.actor.tenantId, options.actor.id, options.mutationId, hash] : []

const MUTATION_PARAMETERS = 4

const REUSED: Reused = { outcome: 'reused', problem: problem('mutation_reused') }

/** The stored response of a write that was made before, `reused` for other content, `null` if there was none. */
export const storedResponse = async (
  database: Database,
  options: WriteOptions,
  hash: string,
): Promise<{ outcome: 'stored'; answer: Row } | Reused | null> => {
  if (!options.mutationId) return null
  const { actor, mutationId, transaction } = options
  const [row] = await database.send(STORED, [actor.tenantId, actor.id, mutationId], transaction)
  if (!row) return null
  return row.request_hash === hash ? { outcome: 'stored', answer: row.answer } : REUSED
}

/**
 * Sends a write in its transaction and sees what the table's own triggers made of it: gives the rows as they are then. See
 * `settling` in settled-write.ts.
 */
export type Settle = (
  transaction: Knex.Transaction,
  sendIt: () => Promise<Row[] | Forbidden | Invalid>,
) => Promise<Row[] | Forbidden | Invalid>

/**
 * The rows of a write, and whether it was sent at all; `stored` where its mutation id was written meanwhile; `outdated` and
 * `cache_cleared` see {@link sendWrite}; `invalid` where the database refuses a value.
 */
export type Written =
  | { outcome: 'written'; rows: Row[]; isSent: boolean }
  | { outcome: 'stored' }
  | { outcome: 'outdated' }
  | { outcome: 'cache_cleared' }
  | Forbidden
  | Invalid

/** What is found right before a write, in its transaction: nothing against it, that its own guard would not pass, or why not. */
export type WriteVerdict = 'allowed' | 'changed' | Forbidden | Invalid

const bytesOf = (values: unknown[]): number =>
  values.reduce<number>((sum, value) => sum + (typeof value === 'string' ? value.length : 0), 0)

interface Write {
  query: Parameters<Database['send']>[0]
  values: unknown[]
  /** In the order of their parameters, which are the last ones but those of the mutation. */
  columns: string[]
  /** Its response is stored by another statement. */
  isOfMany?: boolean
  mayBeOutdated?: boolean
  isStill?: IsStill | undefined
  /** Authorizes the records that a write raises besides, in one transaction with it. */
  authorize?: ((transaction: Knex.Transaction) => Promise<WriteVerdict>) | undefined
  settle?: Settle | undefined
}

/** Sends a write that is authorized or settled in its transaction: the caller's, or one of its own. */
const sendWithin = async (
  database: Database,
  options: WriteOptions,
  { query, values, isStill, authorize, settle }: Write,
): Promise<{ rows: Row[] | Forbidden | Invalid; isSent: boolean }> => {
  let isSent = true
  const authorizeAndSend = async (transaction: Knex.Transaction): Promise<Row[] | Forbidden | Invalid> => {
    const verdict = (await authorize?.(transaction)) ?? 'allowed'
    if (verdict === 'allowed') return database.send(query, values, transaction, isStill, options.request)
    isSent = false
    return verdict === 'changed' ? [] : verdict
  }
  const sendAndSettle = (transaction: Knex.Transaction) =>
    settle ? settle(transaction, () => authorizeAndSend(transaction)) : authorizeAndSend(transaction)
  const sendInOwn = async (transaction: Knex.Transaction) => {
    const rows = await sendAndSettle(transaction)
    if (options.request?.isRevoked()) throw new PermissionOutdated()
    return rows
  }
  const rows = await (options.transaction ? sendAndSettle(options.transaction) : database.within(sendInOwn))
  return { rows, isSent }
}

/**
 * Sends a write, again after a deadlock or a serialization failure unless the transaction is the caller's. `outdated`, if the
 * write says that it may be: it goes by a column's type that isn't so any more, or by a table without triggers that has one by
 * now. `cache_cleared`: nothing was sent, because what it was authorized by doesn't count any more.
 */
export const sendWrite = async (
  database: Database,
  known: KnownType,
  options: WriteOptions,
  write: Write,
): Promise<Written> => {
  const { query, values } = write
  for (let left = options.transaction ? 0 : database.limits.writeRetries; ; left -= 1) {
    if (options.request?.isDue()) await checkBeforeWrite(options.request)
    try {
      let rows: Row[] | Forbidden | Invalid
      let isSent = true
      if (write.authorize || write.settle) ({ rows, isSent } = await sendWithin(database, options, write))
      else rows = await database.send(query, values, options.transaction, write.isStill, options.request)
      if (!Array.isArray(rows)) return rows
      if (options.mutationId && rows.length > 0) database.storedResponses.add(options.actor, bytesOf(values))
      return { outcome: 'written', rows, isSent }
    } catch (error) {
      // Sent again without its change set it is held against the triggers that the table has.
      if (write.mayBeOutdated && isUnstamped(error)) return { outcome: 'outdated' }
      if (isUnstamped(error))
        throw new SetupError(
          'track',
          `Record type "${known.type.name}", table ${known.source}: its triggers are missing or switched off, so what is written would have no version; or a partition was attached, whose rows may be others than their versions say. Nothing was written. Run: npx noclobber doctor`,
        )
      if (error instanceof CacheCleared) return { outcome: 'cache_cleared' }
      if (isStoredMutation(error)) return { outcome: 'stored' }
      if (write.mayBeOutdated && (isOfOtherType(error) || isNotPlain(error))) return { outcome: 'outdated' }
      if (options.request?.isRevoked() && isCancelled(error)) continue
      if (isRetryable(error) && left > 0) continue
      const stored = options.mutationId && !write.isOfMany ? MUTATION_PARAMETERS : 0
      const firstParameter = values.length - stored - write.columns.length + 1
      const refused = refusedValues(error, known, { columns: write.columns, firstParameter })
      if (!refused) throw error
      return { outcome: 'invalid', problem: refused }
    }
  }
}

/**
 * Values in the order of their columns, as parameters.
 *
 * @param stored The fields that they replace, where JSON has numbers which JavaScript can't hold.
 */
export const parametersOf = (
  { columns: known }: KnownType,
  columns: string[],
  values: Record<string, unknown>,
  stored?: StoredJson,
): unknown[] => columns.map((name) => known.get(name)?.codec.toParameter(values[name], stored?.get(name)))

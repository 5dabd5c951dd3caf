// What every operation needs of the database: the catalogue, the statements, a way to send them.
// Invariant: a caller's transaction, where there is one, carries everything that its operation sends.
import type { Knex } from 'knex'
import { quoteName } from '../../migrations/quote.ts'
import { olderLog } from '../../migrations/supported.ts'
import type { Limits, Logger, SessionOf } from '../base/options.ts'
import type { Actor, RecordType } from '../base/record-type.ts'
import type { Shortcut } from '../base/shortcuts.ts'
import { createLineages, type Lineages } from '../db/lineage.ts'
import { namesLast } from '../db/prepared-statement-check.ts'
import { checkRights } from '../db/role-rights.ts'
import { type Revocable, type Row, type Settings, type Statement, send, statement } from '../db/statement.ts'
import { type Cursors, createCursors } from '../log/cursor.ts'
import { readSecret } from '../log/cursor-key.ts'
import { createLargeAnswers, type LargeAnswers } from '../pacing/large-answers.ts'
import { readCatalogue } from './catalogue.ts'
import { type KnownType, type KnownTypes, knownTypes } from './known-type.ts'
import { createRecordCache, type IsStill, type RecordCache } from './record-cache.ts'
import { createSavedChanges, type SavedChanges } from './saved-changes.ts'
import { createSessions, NO_CACHE } from './sessions.ts'
import { createStoredResponses, type StoredResponses } from './stored-responses.ts'
import { createSigning, type Signing } from './writer-context.ts'

export type { KnownType } from './known-type.ts'

export interface Database {
  knex: Knex
  limits: Limits
  /** Whether statements are sent by name: `limits.namedStatements`, until {@link Database.ready} finds that names don't last. */
  namesStatements(): boolean
  /** Names this node to the others. */
  nodeId: string
  log: Logger
  recordCache: RecordCache
  /** Bounds the first answers that are kept for each person. */
  storedResponses: StoredResponses
  largeAnswers: LargeAnswers
  /** Cursors as clients carry them. Only after {@link Database.ready}. */
  readonly cursors: Cursors
  /** Signs what this node sends to the triggers. Only after {@link Database.ready}. */
  readonly signing: Signing
  /** Saves of this node that are committed and whose change is known whole. */
  savedChanges: SavedChanges
  /** Logs and counts changes of a table that could not be delivered. Only they are left out, not what came with them. */
  skip(error: unknown, source: string, count: number): void
  /** Looks the tables up at the first call, and again after a failure; by a caller's transaction, which may hold the only connection. */
  ready(transaction?: Knex.Transaction): Promise<void>
  /**
   * A declared type by its name, or `undefined`, once the tables are looked up.
   *
   * @throws Error with a sentence where the caller's transaction means another table by the name that the type declares.
   */
  typeFor(name: string, transaction: Knex.Transaction | undefined): Promise<KnownType | undefined>
  /** A declared type by its name, or `undefined`. Only after {@link Database.ready}. */
  typeOf(name: string): KnownType | undefined
  /** A declared type by `schema.table` as the log names it. */
  typeOfSource(source: string): KnownType | undefined
  /** Whether {@link Database.forActor} differs from person to person. */
  hasSessions: boolean
  /** The database within a person's session (`session` of the options); the same for equal settings. */
  forActor(actor: Actor): Database
  types(): KnownType[]
  /** The history that the database was in when the feed read last; read it before what is answered with it. */
  history(): string | undefined
  /** Which primary this node's connections may lead to. */
  lineages: Lineages
  /**
   * Sends a statement. Every connection that is new to this process may lead to another database than those before, so
   * `recordCache` is emptied at its first use, and what leads to no primary is refused: its answers may be behind.
   *
   * @throws {@link CacheCleared} before anything is sent, where `isStill` is given and doesn't hold on the connection.
   */
  send(
    query: Statement,
    values: unknown[],
    transaction?: Knex.Transaction,
    isStill?: IsStill,
    sender?: Revocable,
  ): Promise<Row[]>
}

export interface DatabaseOptions<A extends Actor = Actor> {
  knex: Knex
  types: RecordType<A>[]
  limits: Limits
  nodeId: string
  log: Logger
  session?: SessionOf<A> | undefined
  /** {@link Database.history} */
  history?: () => string | undefined
  /** Called where another primary has taken the place of the one before. */
  onPrimary?: () => void
  /** Called with the number of changes that {@link Database.skip} left out. */
  onSkipped?: (count: number) => void
  /** Of named statements, past the driver. */
  shortcut?: Shortcut
}

/** The cached record that a write was authorized by was dropped before the write was sent. */
export class CacheCleared extends Error {
  constructor() {
    super('The cached record that this write was authorized by was dropped.')
    this.name = 'CacheCleared'
  }
}

const MEANT = statement(`select n.nspname || '.' || c.relname as source
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace where c.oid = pg_catalog.to_regclass($1)`)

export const createDatabase = ({
  knex,
  types,
  limits,
  nodeId,
  log,
  session,
  shortcut,
  onSkipped = () => {},
  onPrimary = () => {},
  history = () => undefined,
}: DatabaseOptions): Database => {
  let namesStatements = limits.namedStatements
  const recordCache = createRecordCache()
  const lineages = createLineages(onPrimary)
  let looking: Promise<void> | null = null
  let cursors: Cursors | null = null
  let signing: Signing | null = null
  let found: KnownTypes | null = null
  /** What a transaction looked up is its own: it may have a search path of its own too. */
  const foundWithin = new WeakMap<Knex.Transaction, KnownTypes>()

  const lookUp = async (connection: Knex): Promise<KnownTypes> => {
    const older = await olderLog(connection)
    if (older) throw new Error(older)
    await checkRights(connection)
    const secret = await readSecret(connection)
    cursors = createCursors(secret)
    signing = createSigning(secret)
    return knownTypes(await readCatalogue(connection, types), { log, hasSessions: session !== undefined })
  }

  /** Behind a pooler that forgets names each of them would fail now and then. */
  const settleNames = async () => {
    if (!namesStatements || (await namesLast(knex))) return
    namesStatements = false
    log.warn({}, 'Prepared statements do not last behind this pooler: going on without names.')
  }

  const hasRoom = () => {
    const { pool } = knex.client
    return pool ? pool.numUsed() + pool.numPendingAcquires() < pool.max : false
  }

  const ready = async (transaction?: Knex.Transaction): Promise<void> => {
    if (found) return
    if (transaction) {
      // A transaction that has the pool's only connection must not wait for another. It may also have created the tables.
      const canWait = hasRoom()
      const looked = ready().then(
        () => true,
        () => false,
      )
      if (canWait && (await looked)) return
      if (!foundWithin.has(transaction)) foundWithin.set(transaction, await lookUp(transaction))
      return
    }
    looking ??= settleNames()
      .then(() => lookUp(knex))
      .then((all) => {
        found = all
      })
      .catch((error) => {
        looking = null
        throw error
      })
    return looking
  }

  /** A name without a schema is looked up by each statement's search path; ours name the schema that it was found in. */
  const checkMeaning = async ({ type, source }: KnownType, transaction: Knex.Transaction) => {
    if (type.table.includes('.')) return
    const [row] = await send(transaction, MEANT, [quoteName(type.table)], { named: namesStatements })
    if (row?.source === source) return
    throw new Error(
      `Record type "${type.name}": its table is ${source}, and within this transaction ${type.table} is ${row?.source ?? 'no table'}. ` +
        `Declare a type for each schema, with the schema's name in \`table\`, or leave the search path alone.`,
    )
  }

  const typeFor: Database['typeFor'] = async (name, transaction) => {
    await ready(transaction)
    const known = (found ?? (transaction && foundWithin.get(transaction)))?.byName.get(name)
    if (known && transaction) await checkMeaning(known, transaction)
    return known
  }

  const sendWith =
    (settings?: Settings): Database['send'] =>
    (query, values, transaction, isStill, sender) =>
      send(transaction ?? knex, query, values, {
        named: namesStatements && query.name !== '',
        onConnection: (connection) => {
          const check = () => {
            if (isStill && !isStill()) throw new CacheCleared()
          }
          if (lineages.isChecked(connection)) return check()
          recordCache.clear()
          return lineages.check(connection, knex.client.driver).then(check)
        },
        shortcut,
        settings,
        sender,
      })
  const sendOwn = sendWith()

  const database: Database = {
    hasSessions: session !== undefined,
    forActor: () => database,
    knex,
    limits,
    lineages,
    history,
    namesStatements: () => namesStatements,
    nodeId,
    log,
    recordCache,
    largeAnswers: createLargeAnswers({ limits }),
    get cursors() {
      return cursors as Cursors
    },
    get signing() {
      return signing as Signing
    },
    savedChanges: createSavedChanges(),
    skip(error, table, count) {
      log.error({ error, table, count }, 'Changes could not be delivered, and were left out.')
      onSkipped(count)
    },
    ready,
    typeFor,
    typeOf: (name) => found?.byName.get(name),
    typeOfSource: (source) => found?.bySource.get(source),
    types: () => [...(found?.byName.values() ?? [])],
    send: sendOwn,
    storedResponses: createStoredResponses({
      bytes: limits.answerBytesPerPerson,
      send: sendOwn,
      onFailed: (error) => log.warn({ error }, 'Old first answers of one person could not be deleted.'),
    }),
  }
  if (session)
    database.forActor = createSessions<Database>(session, log, (settings, error) =>
      Object.assign(Object.create(database), {
        recordCache: NO_CACHE,
        send: settings ? sendWith(settings) : () => Promise.reject(error),
      }),
    )
  return database
}

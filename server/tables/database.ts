// What every operation needs of the database: the catalogue, the statements, a way to send them.
// Invariant: a caller's transaction, where there is one, carries everything that its operation sends.
import type { Knex } from 'knex'
import { olderLog } from '../../migrations/supported.ts'
import type { Limits, Logger, SessionOf, Tenancy } from '../base/options.ts'
import type { Actor, RecordType } from '../base/record-type.ts'
import { SetupError } from '../base/setup-error.ts'
import type { Shortcut } from '../base/shortcuts.ts'
import { noteLook } from '../base/table-changes.ts'
import { isOfOtherTable, isUnavailable } from '../db/errors.ts'
import { createLeftSettings, type LeftSettings } from '../db/left-settings.ts'
import { createLineages, type Lineages } from '../db/lineage.ts'
import { namesLast } from '../db/prepared-statement-check.ts'
import { checkRights } from '../db/role-rights.ts'
import {
  type Connection,
  type Revocable,
  type Row,
  type SendOptions,
  type Settings,
  type Statement,
  send,
} from '../db/statement.ts'
import { type Cursors, createCursors } from '../log/cursor.ts'
import { readSecret } from '../log/cursor-key.ts'
import { createLargeAnswers, type LargeAnswers } from '../pacing/large-answers.ts'
import type { Age, ProposalEvent } from '../protocol/index.ts'
import { createRecordCache, type IsStill, type RecordCache } from './record-cache.ts'
import { createSavedChanges, type SavedChanges } from './saved-changes.ts'
import { createSessions, NO_CACHE } from './sessions.ts'
import { createStoredResponses, type StoredResponses } from './stored-responses.ts'
import { createTypeLookup, type TypeLookup } from './type-lookup.ts'
import { createSigning, type Signing } from './writer-context.ts'

export type { KnownType } from './known-type.ts'

/** Its types are those of the tenant that is named. */
export interface Database extends TypeLookup {
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
  /** Something was proposed or decided, and is committed. */
  announceProposal(event: ProposalEvent): void
  /** Logs and counts changes of a table that could not be delivered. Only they are left out, not what came with them. */
  skip(error: unknown, source: string, count: number): void
  /** Whether {@link Database.forActor} differs from person to person. */
  hasSessions: boolean
  /** The database within a person's session (`session` of the options); the same for equal settings. */
  forActor(actor: Actor): Database
  /** The history that the database was in when the feed read last; read it before what is answered with it. */
  history(): string | undefined
  /** How far this node has read the log; read it before what is answered with it. */
  age(): Age
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
  /** Does the work on a connection of the pool, or in a transaction: see {@link LeftSettings}. */
  on: LeftSettings['on']
  within: LeftSettings['within']
}

export interface DatabaseOptions<A extends Actor = Actor> {
  knex: Knex
  types: RecordType<A>[]
  limits: Limits
  nodeId: string
  log: Logger
  session?: SessionOf<A> | undefined
  tenancy?: Tenancy | undefined
  /** {@link Database.history} */
  history?: () => string | undefined
  /** {@link Database.age} */
  age?: () => Age
  /** Called where another primary has taken the place of the one before. */
  onPrimary?: () => void
  /** Called after a table was found altered, because a statement failed by it. */
  onTables?: () => void
  /** {@link Database.announceProposal} */
  onProposal?: (event: ProposalEvent) => void
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

const refuseCleared = (isStill: IsStill | undefined): void => {
  if (isStill && !isStill()) throw new CacheCleared()
}

/** What is made of the log's secret, once the log has been found to be of this server's kind. */
const createSecrets = () => {
  let cursors: Cursors | null = null
  let signing: Signing | null = null
  return {
    cursors: () => cursors as Cursors,
    signing: () => signing as Signing,
    /** @throws Error with a sentence where the log is older than this server, or its role lacks a right. */
    async check(connection: Knex): Promise<void> {
      if (cursors && signing) return
      const older = await olderLog(connection)
      if (older) throw new SetupError('migrate', older, 'log_too_old')
      await checkRights(connection)
      const secret = await readSecret(connection)
      signing = createSigning(secret)
      cursors = createCursors(secret)
    },
  }
}

/** Whether statements are sent under names. Behind a pooler that forgets names each of them would fail now and then. */
const createNaming = ({ knex, limits, log }: Pick<DatabaseOptions, 'knex' | 'limits' | 'log'>) => {
  let isNaming = limits.namedStatements
  let isSettled = false
  return {
    isNaming: () => isNaming,
    async settle(): Promise<void> {
      if (isSettled || !isNaming) return
      const doLast = await namesLast(knex)
      if (!doLast && isNaming)
        log.warn({}, 'Prepared statements do not last behind this pooler: going on without names.')
      if (!doLast) isNaming = false
      isSettled = true
    },
  }
}

/** Each call gets a look that begins now. Those who ask while one is under way, which may have begun too early, share the next one. */
const createLooks = (look: () => Promise<void>): (() => Promise<void>) => {
  let looking: Promise<void> | null = null
  let next: Promise<void> | null = null
  const lookNow = (): Promise<void> => {
    if (looking) {
      // Whom its failure concerns has it from the promise itself.
      next ??= looking
        .catch(() => {})
        .then(() => {
          next = null
          return lookNow()
        })
      return next
    }
    looking = look().finally(() => {
      looking = null
    })
    return looking
  }
  return lookNow
}

export const createDatabase = ({
  knex,
  types,
  limits,
  nodeId,
  log,
  session,
  tenancy,
  shortcut,
  onSkipped = () => {},
  onProposal = () => {},
  onPrimary = () => {},
  onTables = () => {},
  history = () => undefined,
  age = () => ({ as_of: null, behind_ms: null }),
}: DatabaseOptions): Database => {
  const recordCache = createRecordCache()
  const lineages = createLineages(onPrimary)
  const secrets = createSecrets()
  const naming = createNaming({ knex, limits, log })
  const lookup = createTypeLookup({
    knex,
    types,
    log,
    tenancy,
    checkLog: secrets.check,
    hasSessions: session !== undefined,
    namesStatements: naming.isNaming,
    prepare: naming.settle,
  })

  const lookNow = createLooks(() =>
    lookup.lookAgain().then(
      (isChanged) => {
        if (!isChanged) return
        recordCache.clear()
        onTables()
      },
      (error) => {
        throw isUnavailable(error) ? error : new SetupError('changed', String(error?.message ?? error))
      },
    ),
  )
  const onLeftOpen = (error: Error) => log.warn({ err: error }, error.message)
  const checkConnection = (connection: Connection) => {
    if (lineages.isChecked(connection)) return
    recordCache.clear()
    return lineages.check(connection, knex.client.driver)
  }
  const leftSettings = createLeftSettings(knex, onLeftOpen, checkConnection)
  const onFailed: SendOptions['onFailed'] = (error, connection, isWithin) => {
    if (isOfOtherTable(error)) noteLook(error, lookNow())
    return leftSettings.onFailed(error, connection, isWithin)
  }

  const sendWith =
    (settings?: Settings): Database['send'] =>
    (query, values, transaction, isStill, sender) =>
      send(transaction ?? knex, query, values, {
        named: naming.isNaming() && query.name !== '',
        onConnection: (connection) => {
          const checking = checkConnection(connection)
          return checking ? checking.then(() => refuseCleared(isStill)) : refuseCleared(isStill)
        },
        shortcut,
        settings,
        sender,
        onFailed,
        onLeftOpen,
      })
  const sendOwn = sendWith()

  const database: Database = {
    hasSessions: session !== undefined,
    forActor: () => database,
    knex,
    limits,
    lineages,
    history,
    age,
    namesStatements: naming.isNaming,
    nodeId,
    announceProposal: onProposal,
    log,
    recordCache,
    largeAnswers: createLargeAnswers({ limits }),
    get cursors() {
      return secrets.cursors()
    },
    get signing() {
      return secrets.signing()
    },
    savedChanges: createSavedChanges(),
    skip(error, table, count) {
      log.error({ err: error, table, count }, 'Changes could not be delivered, and were left out.')
      onSkipped(count)
    },
    ...lookup,
    send: sendOwn,
    on: leftSettings.on,
    within: leftSettings.within,
    storedResponses: createStoredResponses({
      bytes: limits.answerBytesPerPerson,
      send: sendOwn,
      onFailed: (error) => log.warn({ err: error }, 'Old first answers of one person could not be deleted.'),
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

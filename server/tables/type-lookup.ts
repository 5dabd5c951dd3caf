// Which declared types there are, by looking their tables up: once for all tenants, or where each tenant has a schema, for each of
// them when its first person comes.
// Invariant: a type of a tenant's schema is found for that tenant alone; what a transaction looked up is that transaction's.
import type { Knex } from 'knex'
import { quoteName } from '../../migrations/quote.ts'
import type { Logger, Tenancy } from '../base/options.ts'
import type { Actor, RecordType } from '../base/record-type.ts'
import { SetupError } from '../base/setup-error.ts'
import { causeOf, isUnavailable } from '../db/errors.ts'
import { send, statement } from '../db/statement.ts'
import { readCatalogue, type TrackedType } from './catalogue.ts'
import { type KnownType, type KnownTypes, knownTypes } from './known-type.ts'
import { checkTenant } from './record-id.ts'

export interface TypeLookup {
  /** Looks up what is not known yet; by a caller's transaction, which may hold the only connection. */
  ready(transaction?: Knex.Transaction, tenantId?: string): Promise<void>
  /**
   * The type as the actor sees it ({@link KnownType.forActor}).
   *
   * @throws Error with a sentence where the caller's transaction means another table by the name that the type declares.
   */
  typeFor(
    name: string,
    transaction: Knex.Transaction | undefined,
    actor: Actor,
  ): Promise<KnownType | undefined>
  /** The type as nobody in particular sees it. */
  typeOf(name: string, tenantId: string): KnownType | undefined
  typeOfSource(source: string): KnownType | undefined
  /** Of one tenant, or of all that are known. The same array for as long as nothing changes. */
  types(tenantId?: string): KnownType[]
  /**
   * Looks up again what is known, some types at a time. Whether anything has changed.
   *
   * @throws what PostgreSQL says, and Error with a sentence where a table can't be served any more.
   */
  lookAgain(): Promise<boolean>
  /** What {@link TypeLookup.lookAgain} failed with, as sentences; empty where all is well. */
  problems(): string[]
}

export interface TypeLookupOptions {
  knex: Knex
  types: RecordType[]
  log: Logger
  tenancy: Tenancy | undefined
  hasSessions: boolean
  namesStatements(): boolean
  /** Done before the first look at a table. */
  checkLog(connection: Knex): Promise<void>
  prepare(): Promise<void>
}

/** What is looked up together: what all tenants share, or one tenant's. */
interface Scope {
  types: RecordType[]
  /** `null`: all tenants'. */
  tenantId: string | null
  looking: Promise<void> | null
  found: KnownTypes | null
  /** As an array. */
  list: KnownType[]
  within: WeakMap<Knex.Transaction, KnownTypes>
  /** Why it couldn't be looked up again. */
  problem: string | null
}

/** Longer names are cut by PostgreSQL: two could become one. */
const MAX_NAME_BYTES = 63

/** Types that {@link TypeLookup.lookAgain} looks at in one call. */
const MOST_AGAIN = 200

const MEANT = statement(`select n.nspname || '.' || c.relname as source
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace where c.oid = pg_catalog.to_regclass($1)`)

const hasSchema = ({ table }: RecordType) => table.includes('.')

const inSchema = (schema: string, type: RecordType): RecordType => {
  const { table, audience } = type
  const members = audience && !audience.table.includes('.') ? `${schema}.${audience.table}` : audience?.table
  return {
    ...type,
    table: `${schema}.${table}`,
    audience: audience && members ? { ...audience, table: members } : null,
  }
}

const schemaFor = ({ schema }: Tenancy, tenantId: string): string => {
  const name: unknown = schema(tenantId)
  if (typeof name !== 'string' || name === '' || name.includes('.') || name.includes('\0'))
    throw new TypeError('tenancy.schema must give the name of a schema, without a dot.')
  if (Buffer.byteLength(name) > MAX_NAME_BYTES)
    throw new TypeError(`tenancy.schema gave a name of more than ${MAX_NAME_BYTES} bytes.`)
  return name
}

const plain = (_: string, value: unknown) =>
  value instanceof Map || value instanceof Set ? [...value] : value

/** Everything that was looked up, as a text. */
const factsOf = ({ type: _, ...facts }: TrackedType): string => JSON.stringify(facts, plain)

export const createTypeLookup = (options: TypeLookupOptions): TypeLookup => {
  const { knex, types, log, tenancy, hasSessions, namesStatements, checkLog, prepare } = options
  const scopeOf = (own: RecordType[], tenantId: string | null): Scope => ({
    types: own,
    tenantId,
    looking: null,
    found: null,
    list: [],
    problem: null,
    within: new WeakMap(),
  })
  const shared = scopeOf(tenancy ? types.filter(hasSchema) : types, null)
  const tenants = new Map<string, Scope>()
  const bySource = new Map<string, KnownType>()
  const facts = new WeakMap<KnownType, string>()
  let all: KnownType[] = []
  let lookedAgain = 0

  const tenantScope = (tenantId: string): Scope => {
    const known = tenants.get(tenantId)
    if (known || !tenancy) return known ?? shared
    const schema = schemaFor(tenancy, tenantId)
    const own = types.flatMap((type) => (hasSchema(type) ? [] : [inSchema(schema, type)]))
    return scopeOf(own, tenantId)
  }

  const lookUp = async (scope: Scope, connection: Knex): Promise<KnownTypes> => {
    const catalogue = await readCatalogue(connection, scope.types, scope.tenantId !== null)
    for (const tracked of catalogue.byName.values()) {
      if (scope.tenantId !== null && tracked.tenantColumn !== null)
        throw new SetupError(
          'track',
          `Record type "${tracked.type.name}", table ${tracked.source}: it has a tenant's column and is in a tenant's schema. Track it without \`tenant\`.`,
        )
      const other = bySource.get(tracked.source)
      if (other && other.ownTenant !== scope.tenantId)
        throw new Error(`tenancy.schema gives two tenants one schema: the table is ${tracked.source}.`)
    }
    const made = knownTypes(catalogue, { log, hasSessions, ownTenant: scope.tenantId, shared: bySource })
    for (const known of made.byName.values()) facts.set(known, factsOf(known))
    return made
  }

  const keep = (scope: Scope, found: KnownTypes) => {
    for (const { source } of scope.list) bySource.delete(source)
    scope.found = found
    scope.list = [...found.byName.values()]
    for (const known of scope.list) bySource.set(known.source, known)
    if (scope.tenantId !== null) tenants.set(scope.tenantId, scope)
    all = [shared, ...tenants.values()].flatMap(({ list }) => list)
  }

  const hasRoom = () => {
    const { pool } = knex.client
    return pool ? pool.numUsed() + pool.numPendingAcquires() < pool.max : false
  }

  const settle = async (scope: Scope, transaction?: Knex.Transaction): Promise<void> => {
    if (scope.found) return
    if (transaction) {
      // A transaction that has the pool's only connection must not wait for another. It may also have created the tables.
      const canWait = hasRoom()
      const looked = settle(scope).then(
        () => true,
        () => false,
      )
      if (canWait && (await looked)) return
      if (scope.within.has(transaction)) return
      await checkLog(transaction)
      scope.within.set(transaction, await lookUp(scope, transaction))
      return
    }
    scope.looking ??= prepare()
      .then(() => checkLog(knex))
      .then(() => lookUp(scope, knex))
      .then((found) => keep(scope, found))
      .catch((error) => {
        scope.looking = null
        throw error
      })
    return scope.looking
  }

  /** Tenants that are being looked up: those who come at once look once. */
  const coming = new Map<string, Scope>()

  const ready: TypeLookup['ready'] = async (transaction, tenantId) => {
    await settle(shared, transaction)
    if (!tenancy || tenantId === undefined || tenants.has(tenantId)) return
    const scope = coming.get(tenantId) ?? tenantScope(tenantId)
    coming.set(tenantId, scope)
    await settle(scope, transaction).finally(() => {
      if (!transaction || scope.found) coming.delete(tenantId)
    })
  }

  const isReady = (tenantId: string): boolean => shared.found !== null && (!tenancy || tenants.has(tenantId))

  const named = (name: string, tenantId: string, transaction?: Knex.Transaction): KnownType | undefined => {
    for (const scope of [shared, tenants.get(tenantId) ?? coming.get(tenantId)]) {
      const found = scope?.found ?? (transaction && scope?.within.get(transaction))
      const known = found?.byName.get(name)
      if (!known) continue
      checkTenant(known, tenantId)
      return known
    }
    return undefined
  }

  /** A name without a schema is looked up by each statement's search path; ours name the schema that it was found in. */
  const checkMeaning = async ({ type, source, ownTenant }: KnownType, transaction: Knex.Transaction) => {
    if (hasSchema(type) || ownTenant !== null) return
    const [row] = await send(transaction, MEANT, [quoteName(type.table)], { named: namesStatements() })
    if (row?.source === source) return
    throw new Error(
      `Record type "${type.name}": its table is ${source}, and within this transaction ${type.table} is ${row?.source ?? 'no table'}. ` +
        `Declare a type for each schema, with the schema's name in \`table\`, or leave the search path alone.`,
    )
  }

  const lookAgainAt = async (scope: Scope): Promise<boolean> => {
    const before = scope.found
    if (!before) return false
    const found = await lookUp(scope, knex)
    const changed: string[] = []
    for (const [name, known] of found.byName) {
      const was = before.byName.get(name)
      if (!was || facts.get(was) !== facts.get(known)) changed.push(known.source)
      else found.byName.set(name, Object.assign(was, { parent: known.parent }))
    }
    if (changed.length === 0) return false
    for (const known of found.byName.values()) found.bySource.set(known.source, known)
    for (const known of found.byName.values())
      known.parent = found.bySource.get(known.part?.source ?? '') ?? known.parent
    keep(scope, found)
    log.info({ tables: changed }, 'Tables have changed: they were looked up again.')
    return true
  }

  return {
    ready,
    typeFor: async (name, transaction, actor) => {
      const { tenantId } = actor
      if (!isReady(tenantId)) await ready(transaction, tenantId)
      const known = named(name, tenantId, transaction)
      if (known && transaction) await checkMeaning(known, transaction)
      return known?.forActor(actor)
    },
    typeOf: (name, tenantId) => named(name, tenantId),
    typeOfSource: (source) => bySource.get(source),
    types: (tenantId) => {
      const own = tenantId === undefined ? undefined : tenants.get(tenantId)
      if (!own) return tenantId === undefined ? all : shared.list
      return shared.list.length === 0 ? own.list : [...shared.list, ...own.list]
    },
    problems: () => [shared, ...tenants.values()].flatMap(({ problem }) => problem ?? []),
    lookAgain: async () => {
      const scopes = [shared, ...tenants.values()]
      let isChanged = false
      let failure: unknown = null
      let looked = 0
      for (let count = 0; count < scopes.length && looked < MOST_AGAIN; count += 1) {
        const scope = scopes[lookedAgain % scopes.length] as Scope
        lookedAgain += 1
        looked += scope.types.length
        try {
          isChanged = (await lookAgainAt(scope)) || isChanged
          scope.problem = null
        } catch (error) {
          if (isUnavailable(error)) throw error
          scope.problem = causeOf(error)
          failure ??= error
        }
      }
      if (failure && !isChanged) throw failure
      return isChanged
    },
  }
}

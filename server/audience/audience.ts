// The audience of a type's records: the users whom a table names, as members of a shared project. Who isn't among them may do
// nothing with a record, whatever else may be permitted.
// Invariant: a record's audience is read in the statement that reads the record, and is never kept beyond what it was read for.
import type { Knex } from 'knex'
import { quoteName, quoteTable, quoteText, textArray } from '../../migrations/quote.ts'
import { TRIGGER_NAMES } from '../../migrations/track-table.ts'
import { TRIGGER_ARGUMENTS, typeName } from '../../migrations/trigger-arguments.ts'
import type { ColumnNames } from '../base/column-names.ts'
import { personIdOf } from '../base/normalized-actor.ts'
import type { Actor, PermissionRecord, RecordType } from '../base/record-type.ts'
import { SetupError } from '../base/setup-error.ts'
import { send, statement } from '../db/statement.ts'

/** Where a type's audience is, as the database has it. */
export interface Audience {
  /** `schema.table` of the members, as the log writes it. */
  source: string
  /** The column of the record that the members' table refers to, as it is called in SQL and as what it goes by. */
  by: { column: string; name: string; isKey: boolean }
  /** The members' columns. */
  on: string
  user: string
  /** SQL: the members' table, quoted, and the text of what a member `m` refers to. */
  table: string
  refers: string
  /** SQL: the members, as `m`, of the record as `t`. */
  members: string
  /** SQL: the members, as `m`, of a record by the text of its column. */
  membersOf(text: string): string
  /** SQL for how a member is named. */
  named: string
  /** SQL for how the log names who has left, of its scopes as `c.scopes`. */
  loggedName: string
  /** How an actor is named: an agent as the person for whom it acts. */
  nameOf(actor: Pick<Actor, 'id' | 'tenantId' | 'onBehalfOf'>): string
  /** SQL: a member, as `m`, is the actor; `null` where nobody can be: their id is none of the column's type. */
  isMember(actor: Actor, parameter: (value: unknown) => string): string
  /** A change of the members' table is of this actor's tenant. */
  isOfTenant(change: { tenantId: string | null; scopes: object | null }, actor: Actor): boolean
  /** SQL: the change `c` of the members' table concerns the user of a parameter, of the tenant of another. */
  concerns(user: string, tenant: string): string
}

const isWhole = (bits: bigint) => (text: string) =>
  /^-?\d{1,19}$/.test(text) && BigInt(text) < 2n ** bits && BigInt(text) >= -(2n ** bits)

/** Types of users' ids by which an index is used, and what a value of each looks like. */
const TYPES: Record<string, (text: string) => boolean> = {
  text: () => true,
  'character varying': () => true,
  smallint: isWhole(15n),
  integer: isWhole(31n),
  bigint: isWhole(63n),
  uuid: (text) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text),
}

const MEMBERS = statement(`
select n.nspname || '.' || c.relname as source, n.nspname as schema, c.relname as name,
  has_table_privilege(c.oid, 'select') as readable,
  (select pg_catalog.jsonb_object_agg(a.attname, ${typeName('a.atttypid', '-1')}) from pg_attribute a
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns,
  (select ${TRIGGER_ARGUMENTS} from pg_trigger g
    where g.tgrelid = c.oid and g.tgname = any($2) and g.tgenabled in ('O', 'A') limit 1) as arguments
from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = to_regclass($1)`)

/** What is known of the records' own table. */
export interface AudienceOf {
  columns: { name: string }[]
  names: ColumnNames
  key: { names: readonly string[] }
  /** Its tenant's column, empty where it has none. */
  tenant: string
  /** As the names of fields. */
  lists: string[]
  /** Its table is in a tenant's own schema. */
  isOfTenant: boolean
}

/** @throws SetupError with a sentence where the members can't be found by it. */
export const readAudience = async (
  knex: Knex,
  type: RecordType,
  record: AudienceOf,
): Promise<Audience | null> => {
  if (!type.audience) return null
  const { table, on, user, by, tenant } = type.audience
  const fail = (why: string): never => {
    throw new SetupError('track', `Record type "${type.name}", audience ${table}: ${why}`)
  }
  const [row] = await send(knex, MEMBERS, [quoteTable(table), TRIGGER_NAMES], { named: false })
  if (!row) return fail('there is no such table.')
  if (!row.readable) return fail('this role may not read it: GRANT SELECT on it.')
  const [, tracked = '', listed = '{}'] = (row.arguments ?? []) as string[]
  const needed = [on, user, ...(tenant ? [tenant] : [])]
  const missing = needed.find((name) => !Object.hasOwn(row.columns, name))
  if (missing !== undefined) return fail(`it has no column ${missing}.`)
  if (!row.arguments || needed.some((name) => !textArray(listed).includes(name)))
    return fail(
      `who joins or leaves is learned from the log: trackTable(knex, '${table}', { lists: [${needed.map((name) => `'${name}'`).join(', ')}] }).`,
    )
  const { columnOf, fieldOf } = record.names
  const [key = '', second] = record.key.names
  const name = by ?? key
  const isKey = name === key
  if (second !== undefined && by === undefined) return fail('the key has several columns: name one in `by`.')
  if (!record.columns.some((column) => fieldOf(column.name) === name))
    return fail(`the record has no column ${name}.`)
  if (!isKey && (!record.lists.includes(name) || !Object.hasOwn(type.fields, name)))
    return fail(
      `records move by ${name}: declare it as a field, and track the table with lists: ['${columnOf(name)}'].`,
    )
  if (type.guards[name]?.read) return fail(`not everybody sees ${name}.`)
  const isShared = record.tenant === '' && !record.isOfTenant && tenant !== null
  if (isShared && !tenant)
    return fail(
      "the records are of no tenant: name the members' column of their tenants in `tenant`, or say `tenant: null` where all people are of one.",
    )
  if (tenant === null && tracked !== '')
    return fail(`all people are of one tenant by it, and the members are tracked with ${tracked} as theirs.`)
  const own = (column: string) => `m.${quoteName(column)}`
  const source = `${quoteName(row.schema)}.${quoteName(row.name)}`
  const named = isShared
    ? `octet_length(${own(tenant as string)}::text) || ' ' || ${own(tenant as string)}::text || ${own(user)}::text`
    : `${own(user)}::text`
  const logged = (column: string) => `(c.scopes->${quoteText(column)}->>0)`
  const ofTenant =
    !isShared && tracked !== '' && record.tenant !== ''
      ? ` and ${own(tracked)}::text = t.${quoteName(record.tenant)}::text`
      : ''
  const nameOf: Audience['nameOf'] = (actor) => {
    const { tenantId } = actor
    return isShared ? `${Buffer.byteLength(tenantId)} ${tenantId}${personIdOf(actor)}` : personIdOf(actor)
  }
  return {
    source: row.source,
    by: { column: columnOf(name), name, isKey },
    on,
    user,
    table: source,
    refers: `${own(on)}::text`,
    members: `${source} m where ${own(on)} = t.${quoteName(columnOf(name))}${ofTenant}`,
    membersOf: (text) => `${source} m where ${own(on)} = ${text}::${row.columns[on]}`,
    named,
    loggedName: isShared
      ? `octet_length(${logged(tenant as string)}) || ' ' || ${logged(tenant as string)} || ${logged(user)}`
      : logged(user),
    nameOf,
    isMember: (actor, parameter) => {
      const type: string = row.columns[user]
      if (isShared) return `${named} = ${parameter(nameOf(actor))}::text`
      const isFit = TYPES[type]
      const id = personIdOf(actor)
      if (isFit && !isFit(id)) return 'false'
      const is = isFit ? `${own(user)} = ${parameter(id)}::${type}` : `${named} = ${parameter(id)}::text`
      return tracked === '' ? is : `${is} and ${own(tracked)}::text = ${parameter(actor.tenantId)}::text`
    },
    isOfTenant: ({ tenantId, scopes }, actor) =>
      isShared
        ? Object(scopes)[tenant as string]?.includes(actor.tenantId) === true
        : tracked === '' || tenantId === actor.tenantId,
    concerns: (id, tenantId) => {
      const isIn = (column: string, value: string) => `c.scopes->${quoteText(column)} ? ${value}::text`
      if (isShared) return `${isIn(user, id)} and ${isIn(tenant as string, tenantId)}`
      return `${isIn(user, id)} and ${tracked === '' ? `${tenantId}::text is not null` : `c.tenant_id = ${tenantId}::text`}`
    },
  }
}

/** Who may learn of a record, and the value of `by` for which that holds. */
interface Members {
  by: string | null
  names: readonly string[]
}

/** A property that no copy of the fields and no JSON has. */
const MEMBERS_OF = Symbol('audience')

/** Notes with a record who its audience is. */
export const setAudience = <R extends object>(record: R, by: string | null, names: readonly string[]): R =>
  Object.assign(record, { [MEMBERS_OF]: { by, names } satisfies Members })

const membersOf = (record: object): Members | undefined => (record as { [MEMBERS_OF]?: Members })[MEMBERS_OF]

export const hasAudience = (record: object): boolean => MEMBERS_OF in record

/** The audience of one record, noted with another version of it. */
export const withAudienceOf = <R extends object>(record: R, from: object): R => {
  const members = membersOf(from)
  return members ? setAudience(record, members.by, members.names) : record
}

/** Is this person in the audience? Of what it was, only where it was in the same place as now. */
const isMember = (
  { by, nameOf }: Audience,
  actor: Actor,
  action: string,
  record: PermissionRecord,
): boolean => {
  const members = membersOf(record)
  if (!members?.names.includes(nameOf(actor))) return false
  return by.isKey || action !== 'read' || String(record.fields[by.name] ?? '') === (members.by ?? '')
}

/** The type, whose permission is for its audience alone. That depends on the record, whatever the permission looks at. */
export const forAudience = (type: RecordType, audience: Audience | null): RecordType =>
  audience === null
    ? type
    : {
        ...type,
        can: (actor, action, record, parent) => {
          void record.id
          return (
            (action === 'create' || isMember(audience, actor, action, record)) &&
            type.can(actor, action, record, parent)
          )
        },
      }

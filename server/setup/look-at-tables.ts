// The tables of a database as init proposes to track them: the key, and the columns that look like a tenant, a version, a time, a
// secret. Invariant: it reads the catalogue, and no row.
import type { Knex } from 'knex'
import type { TrackOptions } from '../../migrations/index.ts'
import { keyOf } from '../../migrations/record-key.ts'
import { UNTRACKABLE } from '../../migrations/supported.ts'
import { typeName } from '../../migrations/trigger-arguments.ts'

export interface FoundColumn {
  name: string
  /** `integer`, `character varying(80)`, `order_state` … */
  type: string
  isNull: boolean
  hasDefault: boolean
  /** The values of an enum. */
  values: string[] | null
  /** Its value can't be written: generated, or an identity that is always the database's. */
  isFixed: boolean
}

export interface FoundTable {
  /** As a statement names it: without the schema where that is on the search path. */
  name: string
  key: string[]
  columns: FoundColumn[]
  /** Why it can't be tracked. */
  whyNot: string | null
  isTracked: boolean
}

/** What init proposes for a table, and what it leaves to people. */
export interface TableProposal extends FoundTable {
  options: TrackOptions
  /** Columns that may be the tenant's; the option takes one only where its name leaves no doubt. */
  maybeTenant: string[]
  /** Columns that are left out of the type because of their names. */
  secrets: string[]
  /** Numbers that the app's own code may count up, with each visit, say: people decide whether they are of the record. */
  counters: string[]
  /** Columns that people edit. */
  fields: FoundColumn[]
}

const TABLES = `
select case when pg_table_is_visible(c.oid) then c.relname else n.nspname || '.' || c.relname end as name,
  coalesce(to_jsonb(${keyOf('c.oid')}), '[]') as key, ${UNTRACKABLE} as "whyNot",
  exists (select from pg_trigger g where g.tgrelid = c.oid and starts_with(g.tgname, 'zz_noclobber_')) as "isTracked",
  (select jsonb_agg(jsonb_build_object('name', a.attname, 'type', ${typeName('a.atttypid', 'a.atttypmod')}, 'isNull', not a.attnotnull,
      'hasDefault', a.atthasdef or a.attidentity <> '', 'isFixed', a.attgenerated <> '' or a.attidentity = 'a',
      'values', (select jsonb_agg(e.enumlabel order by e.enumsortorder) from pg_enum e where e.enumtypid = a.atttypid))
    order by a.attnum) from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p') and not c.relispartition
  and n.nspname not in ('pg_catalog', 'information_schema', 'noclobber') and not starts_with(n.nspname, 'pg_')
order by 1`

export const lookAtTables = async (knex: Knex): Promise<FoundTable[]> => (await knex.raw(TABLES)).rows

const plain = (name: string) => name.replaceAll('_', '').toLowerCase()

const TENANT = /^(tenant|organi[sz]ation|org|workspace)(id)?$/
const MAYBE_TENANT = /^(account|company|team|customer|client|shop|store|group|site)(id)?$/
const SECRET =
  /pass(word|wd|phrase)|secret|token|hash|salt|otp|api_?key|private_?key|credential|ssn|iban|card_?number/i
/** Written by the app's own code, not in a form. */
const HOUSEKEEPING =
  /^(created|inserted)(at|on|by)?$|^deleted(at|on|by)$|^(date|time)(created|deleted|inserted)$|^(lastseen|lastlogin)(at)?$/
/** A number that the app's own code counts up, by the look of its name and its default. */
const COUNTER = /(^|_)(count|counter|views|hits|clicks|visits|attempts|uses)$/i
/** Who signs in with a row of it isn't what others may edit. */
const SIGNS_IN = /pass(word|wd|phrase|code)|(^|_)pwd?(_|$)|hash|salt|otp/i
/** Rows that stand for tenants, which no tenant's column keeps apart. */
const TENANTS = /^(tenant|organi[sz]ation|org|workspace)s?$/i
const INFRASTRUCTURE =
  /migration|session|token|credential|password|secret|user|account|member|audit|(^|_)logs?$|(^|_)jobs?$|queue|event|outbox|lock|schema/i
const TIMES = /^timestamp/
const INTEGERS = /^(integer|bigint)$/
const WRITERS = /^(jsonb|integer|bigint|uuid|text|character varying)/

/** `undefined`: as it is called and typed here too; a name: another one, or another type; `null`: a column of that name that can't be taken over. */
function columnFor(
  columns: FoundColumn[],
  names: string[],
  fits: RegExp,
  fitsUnnamed: RegExp,
): string | null | undefined {
  const [own = ''] = names
  const named = columns.filter(({ name }) => names.some((one) => plain(one) === plain(name)))
  const found = named.find(({ type }) => fits.test(type))
  if (found) return found.name === own && fitsUnnamed.test(found.type) ? undefined : found.name
  return named.some(({ name }) => name === own) ? null : undefined
}

const isShown = (type: string) => !/^(bytea|tsvector|oid|money|interval|.*range|.*\[\])/.test(type)

const UPDATED_AT = [
  ...['updated_at', 'modified_at', 'last_modified', 'last_modified_at', 'changed_at', 'last_changed'],
  ...['last_changed_at', 'last_updated', 'last_updated_at', 'updated_on', 'modified_on', 'changed_on'],
  ...['date_updated', 'date_modified', 'date_changed'],
]
const UPDATED_BY = ['updated_by', 'modified_by', 'changed_by', 'last_modified_by', 'last_changed_by']

export function proposalFor(table: FoundTable): TableProposal {
  const { key, columns } = table
  const all = columns.filter(({ name }) => !key.includes(name))
  const tenants = columns.filter(({ name, isNull }) => TENANT.test(plain(name)) && !isNull)
  const maybeTenant = all.filter(({ name }) => MAYBE_TENANT.test(plain(name)))
  const version = columnFor(all, ['version', 'lock_version', 'row_version'], INTEGERS, INTEGERS)
  const updatedAt = columnFor(all, UPDATED_AT, TIMES, /with time zone/)
  const updatedBy = columnFor(all, UPDATED_BY, WRITERS, /^jsonb/)
  const named = {
    ...(version === undefined ? {} : { version: version ?? 'record_version' }),
    ...(updatedAt === undefined ? {} : { updatedAt }),
    ...(updatedBy === undefined ? {} : { updatedBy }),
  }
  const tenant = tenants.length === 1 ? tenants[0]?.name : undefined
  const owned = ['version', 'updated_at', 'updated_by', tenant, ...Object.values(named)]
  const own = new Set(owned.filter((name) => !(name === 'version' && named.version === 'record_version')))
  const secrets = all.filter(({ name }) => SECRET.test(name)).map(({ name }) => name)
  const fields = all.filter(
    ({ name, type, isFixed }) =>
      !own.has(name) &&
      !secrets.includes(name) &&
      !isFixed &&
      isShown(type) &&
      !HOUSEKEEPING.test(plain(name)),
  )
  return {
    ...table,
    options: {
      ...(tenant === undefined ? {} : { tenant }),
      ...(Object.keys(named).length > 0 ? { columns: named } : {}),
    },
    maybeTenant: tenant === undefined ? maybeTenant.map(({ name }) => name) : [],
    secrets,
    counters: fields
      .filter(({ name, type, hasDefault }) => COUNTER.test(name) && INTEGERS.test(type) && hasDefault)
      .map(({ name }) => name),
    fields,
  }
}

/** Why it isn't proposed by itself, as a few words; `null`: its records are edited by people, by the look of them. */
export const whyLeftOut = ({ name, key, whyNot, fields, secrets }: TableProposal): string | null => {
  const secret = secrets.find((one) => SIGNS_IN.test(one))
  if (whyNot !== null) return 'can’t be tracked'
  if (key.length !== 1) return key.length === 0 ? 'no key' : 'a key of several columns'
  if (fields.length === 0) return 'nothing to edit'
  if (INFRASTRUCTURE.test(name) || TENANTS.test(name.replace(/^.*\./, ''))) return 'by its name'
  return secret === undefined ? null : `has a ${secret}`
}

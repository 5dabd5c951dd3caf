// Ids of records as text: of which columns they are, which texts can be one at all, and their one canonical form.
// Invariant: a text that can't be a key is answered like a record that isn't there, and never reaches SQL.
import { keyArgument } from '../../migrations/record-key.ts'
import type { RecordType } from '../base/record-type.ts'

/** How a column's text is recognized in an id. */
export type PartKind = 'int2' | 'int4' | 'int8' | 'uuid' | 'text'

/** The same of a whole key; of several columns those of its parts. */
export type KeyKind = PartKind | readonly PartKind[]

export interface RecordKey {
  /** What its columns go by, in their order. */
  names: readonly string[]
  kind: KeyKind
  /** What an error about it is called: its column, of several `id`. */
  field: string
  /** The database makes part of it, so no id can be sent with a creation. */
  isMade: boolean
  /** Of several columns: the fields among them that a creation may give. */
  creatable: ReadonlySet<string>
}

/** A column of a table's key. */
export interface KeyColumn {
  name: string
  type: string
  /** Its place in the key, from 1; else 0. */
  key: number
  /** A generated column, or an identity that is always generated. */
  fixed: boolean
  hasDefault: boolean
}

const KINDS = new Map<string, PartKind>([
  ['int2', 'int2'],
  ['int4', 'int4'],
  ['int8', 'int8'],
  ['uuid', 'uuid'],
  ['text', 'text'],
  ['varchar', 'text'],
])

/** The kind of key that a column of this type can be, or `null`. */
export const keyKindOf = (type: string): PartKind | null => KINDS.get(type) ?? null

/** Made by a sequence, where nobody is to choose a number that it will come to. */
const isNumbered = ({ type, hasDefault }: KeyColumn) =>
  hasDefault && keyKindOf(type) !== 'uuid' && keyKindOf(type) !== 'text'

/**
 * The key of these columns; `null` where they make none.
 *
 * @param tenant The tenant's column: what it gets is the actor's.
 */
export const recordKey = (
  columns: KeyColumn[],
  tenant: string,
  fieldOf: (column: string) => string,
  { fields, hidden, readOnly }: Pick<RecordType, 'fields' | 'hidden' | 'readOnly'>,
): RecordKey | null => {
  const own = columns.filter(({ key }) => key > 0).sort((one, other) => one.key - other.key)
  const kinds = own.flatMap(({ type }) => keyKindOf(type) ?? [])
  const [first] = own
  if (!first || kinds.length < own.length) return null
  const names = own.map(({ name }) => fieldOf(name))
  const [kind] = kinds as [PartKind]
  if (own.length === 1)
    return { names, kind, field: fieldOf(first.name), isMade: kind.startsWith('int'), creatable: new Set() }
  const mayGive = (name: string) => !hidden.includes(name) && !readOnly.includes(name)
  const given = own.filter(({ name }) => name !== tenant)
  const isOpen = (column: KeyColumn) => !column.fixed && !isNumbered(column)
  return {
    names,
    kind: kinds,
    field: 'id',
    isMade: !given.every((column) => isOpen(column) && mayGive(fieldOf(column.name))),
    creatable: new Set(
      given
        .filter(isOpen)
        .map(({ name }) => fieldOf(name))
        .filter((name) => Object.hasOwn(fields, name) && mayGive(name)),
    ),
  }
}

/** How the triggers name this key. */
export const keyArgumentOf = (columns: KeyColumn[]): string =>
  keyArgument(
    columns
      .filter(({ key }) => key > 0)
      .sort((one, other) => one.key - other.key)
      .map(({ name }) => name),
  )

const LARGEST: Record<'int2' | 'int4' | 'int8', bigint> = {
  int2: 32_767n,
  int4: 2_147_483_647n,
  int8: 9_223_372_036_854_775_807n,
}
/** Texts of integers up to this length fit without counting. */
const SHORT: Record<keyof typeof LARGEST, number> = { int2: 4, int4: 9, int8: 18 }
const INTEGER = /^(0|-?[1-9]\d{0,18})$/
const INTEGER_OF_ANY_SIZE = /^(0|-?[1-9]\d*)$/
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const MAX_TEXT = 200
const FORMS = new Map<string, RegExp>([
  ['int2', INTEGER],
  ['int4', INTEGER],
  ['int8', INTEGER],
  ['oid', INTEGER],
  ['uuid', UUID],
])

/** The length of char(n), the digits of numeric(p,s) after its point; a domain's are not looked at. */
const modifierIn = (exact: string): number | null => {
  const [, number] = /(\d+)\)$/.exec(exact) ?? []
  return number === undefined ? null : Number(number)
}

/** How PostgreSQL writes the values of a tenant's column of this type; `null`: any text is one. */
export const tenantFormOf = (
  columns: { name: string; type: string; exact: string }[],
  tenant: string,
): RegExp | null => {
  const { type = '', exact = '' } = columns.find(({ name }) => name === tenant) ?? {}
  const modifier = modifierIn(exact)
  if (type === 'numeric' && modifier !== null)
    return modifier === 0 ? INTEGER_OF_ANY_SIZE : new RegExp(`^-?(0|[1-9]\\d*)\\.\\d{${modifier}}$`)
  if (type === 'bpchar' && modifier !== null) return new RegExp(`^.{${modifier}}$`, 'su')
  return FORMS.get(type) ?? null
}

/** @throws Error where a tenant is spelled otherwise than the log and the rooms have it: no event would arrive. */
export const checkTenant = (
  {
    type,
    tenantColumn,
    tenantForm,
  }: { type: RecordType; tenantColumn: string | null; tenantForm: RegExp | null },
  tenantId: string,
): void => {
  if (tenantForm === null || tenantForm.test(tenantId)) return
  throw new Error(
    `A person's tenantId is ${JSON.stringify(tenantId)}, which is no value of ${tenantColumn} of record type "${type.name}" as PostgreSQL ` +
      'writes it: a uuid has small letters and hyphens, a number no zero before it and the digits of its scale, char(n) the blanks at its end. ' +
      'authenticate must give it so.',
  )
}

/** Whether PostgreSQL can hold a text, and an id isn't longer than any may be. */
const isFit = (text: string) => text.length <= MAX_TEXT && !text.includes('\u0000') && text.isWellFormed()

/** Between the parts of an id, and what stands before a digit that stands for this or for itself. */
const [SEPARATOR, ESCAPE] = ['~', '!']
const LONE_ESCAPE = /!(?![01])/

/** The texts of an id's parts. */
export const partsOfId = (id: string): string[] =>
  id.split(SEPARATOR).map((part) => part.replaceAll('!1', SEPARATOR).replaceAll('!0', ESCAPE))

const canonicalParts = (kinds: readonly PartKind[], id: string): string | null => {
  const parts = id.split(SEPARATOR)
  if (parts.length !== kinds.length || !isFit(id) || LONE_ESCAPE.test(id)) return null
  const canonical = parts.map((part, at) =>
    kinds[at] === 'text' ? part : canonicalId(kinds[at] as PartKind, part),
  )
  return canonical.includes(null) ? null : canonical.join(SEPARATOR)
}

/**
 * The canonical id, or `null` where this text can't be a key of this kind. Letters of a uuid are lowered. Of a key of several
 * columns it is their texts, joined by `~`; within one `!` is written `!0` and `~` is written `!1`.
 */
export const canonicalId = (kind: KeyKind, id: unknown): string | null => {
  if (typeof id !== 'string') return null
  if (typeof kind !== 'string') return canonicalParts(kind, id)
  if (kind === 'text') return id.length > 0 && isFit(id) ? id : null
  if (kind === 'uuid') {
    const lower = id.toLowerCase()
    return UUID.test(lower) ? lower : null
  }
  if (!INTEGER.test(id)) return null
  // Nine digits fit into all of them but the smallest.
  if (id.length < 10 && kind !== 'int2') return id
  if (id.length <= SHORT[kind]) return id
  const number = BigInt(id)
  return number <= LARGEST[kind] && number >= -LARGEST[kind] - 1n ? id : null
}

const BOOLEANS = new Set(['true', 'false'])

/** As char(n) has it: PostgreSQL counts characters, not units of UTF-16. */
const padded = (text: string, length: number): string => {
  const characters = [...text].slice(0, length)
  return characters.join('') + ' '.repeat(length - characters.length)
}

/**
 * A column's value as the log and the rooms write it, or `null` where this text is another spelling of it: `07` of 7.
 * Types with many spellings that are often meant (dates, numbers with decimals) are taken as they are.
 */
export const canonicalValue = (type: string | undefined, text: string, exact = ''): string | null => {
  const length = type === 'bpchar' ? modifierIn(exact) : null
  if (length !== null) return [...text.replace(/ +$/, '')].length > length ? null : padded(text, length)
  if (type === 'int2' || type === 'int4' || type === 'int8' || type === 'uuid') return canonicalId(type, text)
  return type === 'bool' && !BOOLEANS.has(text) ? null : text
}

/** A list's scope with each value in its canonical form, or `null` where one has none. */
export const canonicalScope = (
  { columns }: { columns: ReadonlyMap<string, { type: string; exact?: string }> },
  scope: Record<string, string>,
): Record<string, string> | null => {
  const canonical: Record<string, string> = {}
  for (const [column, text] of Object.entries(scope)) {
    const { type, exact } = columns.get(column) ?? {}
    const value = canonicalValue(type, text, exact)
    if (value === null) return null
    canonical[column] = value
  }
  return canonical
}

// May this person write parts of these records? Whatever is done to a part raises the version of the record that it is part
// of, and of the one which that is part of.
// Invariant: nothing of the server's raises the version of a record that the person may not read. Where that depends on the
// record, it is authorized within the transaction of the write, by rows that it has locked. A parent that is unreadable, another
// tenant's or not there at all is answered alike.
import type { Knex } from 'knex'
import { withValues } from '../base/hidden-fields.ts'
import type { Invalid } from '../base/outcomes.ts'
import { invalidProblem } from '../base/problems.ts'
import type { Action, Actor, PermissionRecord } from '../base/record-type.ts'
import { staticPermission } from '../base/static-permission.ts'
import { MESSAGES } from '../db/errors.ts'
import type { Row } from '../db/statement.ts'
import type { FieldError, WireRecord } from '../protocol/index.ts'
import type { Database, KnownType } from '../tables/database.ts'
import { namesParent, parentsByKeys, partsByIds, selectKey } from '../tables/part-sql.ts'
import { tenantParameter } from '../tables/tenant.ts'
import { authorizeByIds } from './authorization-rows.ts'

type WriteAction = Exclude<Action, 'read'>

/** May this person write records of a type without their parents being looked at? */
const mayReadAllParents = ({ part, parent, tenantColumn }: KnownType, actor: Actor): boolean => {
  if (!part) return true
  // A part that is everybody's may be part of any tenant's record.
  if (part.tenantColumn && !tenantColumn) return false
  return (
    !parent || (staticPermission(parent.type, actor, 'read') === true && mayReadAllParents(parent, actor))
  )
}

/** Must the parents be read before this person may do this with parts of the type? */
export const asksParents = (known: KnownType, actor: Actor, action: WriteAction): boolean => {
  if (!known.part) return false
  if (!mayReadAllParents(known, actor)) return true
  return known.parent !== null && staticPermission(known.type, actor, action, true) === null
}

/** The fields of a record that the caller may write, as far as that is known without its parents; none of one that is gone. */
export const writableBy = (known: KnownType, actor: Actor, record: WireRecord | null): string[] =>
  record && (asksParents(known, actor, 'update') || known.type.can(actor, 'update', record))
    ? [...known.writable]
    : []

/** What is said of a foreign key to something that isn't there. */
export const parentMissingError = ({ part, shownNames }: KnownType): FieldError => ({
  field: part?.columns.toReversed().find((name) => shownNames.includes(name)) ?? '',
  message: MESSAGES['23503'] as string,
})

/** The same as an answer. */
export const parentMissing = (known: KnownType): Invalid => ({
  outcome: 'invalid',
  problem: invalidProblem([parentMissingError(known)]),
})

/** Who writes parts of which type, in which transaction. */
export interface PartsAsking {
  known: KnownType
  actor: Actor
  transaction: Knex.Transaction | undefined
  /** Nobody else writes what is read until the transaction ends. */
  isLocking: boolean
}

/** The parents that this person may read, by key; `undefined` where the parent's type isn't declared. */
export type Readable = Map<string, WireRecord | undefined>

/** How a part stands: its version, the key of its parent, and of the one that new values would give it. */
export interface Part {
  version: number
  parent: string | null
  next: string | null
}

const keysIn = (rows: Row[]): string[] => [
  ...new Set(rows.flatMap(({ noclobber_parent: key }) => (key === null ? [] : [key as string]))),
]

/** New values by column, those of columns that name the parent, as a statement takes them. */
const parentValues = ({ columns }: KnownType, names: readonly string[], values: Record<string, unknown>) =>
  names.map((name) => columns.get(name)?.codec.toParameter(values[name] ?? null))

/** The values of the columns by which a new part names its parent; `null` where it names none. */
const valuesNaming = (
  { part, tenantColumn }: KnownType,
  { tenantId }: Actor,
  values: Record<string, unknown>,
): Record<string, unknown> | null => {
  const all = tenantColumn ? { ...values, [tenantColumn]: tenantId } : values
  return part?.columns.every((name) => (all[name] ?? null) !== null) ? all : null
}

/**
 * Reads parents by their keys, and the one that the values of a new part mean.
 *
 * @returns Besides, the key of that one; `null` where it isn't among them.
 */
export const readParents = async (
  database: Database,
  { known, actor, transaction, isLocking }: PartsAsking,
  keys: string[],
  values: Record<string, unknown> | null = null,
): Promise<{ readable: Readable; next: string | null }> => {
  const readable: Readable = new Map()
  let next: string | null = null
  const { part, parent } = known
  if (!part || (keys.length === 0 && values === null)) return { readable, next }
  const select = parent?.sql.selectFrom ?? ((further: string) => selectKey(part, further))
  const rows = await database.send(
    {
      name: '',
      text: parentsByKeys(known, part, parent?.part ?? null, {
        selectFrom: select,
        isNamed: values !== null,
        isLocking,
      }),
    },
    [
      keys,
      ...(part.tenantColumn ? [actor.tenantId] : []),
      ...(values ? parentValues(known, part.columns, values) : []),
    ],
    transaction,
  )
  const above = parent?.part
    ? await readParents(database, { known: parent, actor, transaction, isLocking }, keysIn(rows))
    : null
  for (const row of rows) {
    const record = parent?.sql.toRecord(row)
    const ofParent: string | null = row.noclobber_parent
    if (parent && record && !parent.mayRead(actor, record)) continue
    if (ofParent !== null && !above?.readable.has(ofParent)) continue
    readable.set(row.noclobber_id, record)
    if (row.noclobber_is_next) next = row.noclobber_id
  }
  return { readable, next }
}

/** Reads parts by their ids, with what new values would make them parts of; those that aren't there are left out. */
export const readParts = async (
  database: Database,
  { known, actor, transaction, isLocking }: PartsAsking,
  ids: string[],
  values: Record<string, unknown> = {},
): Promise<Map<string, Part>> => {
  if (ids.length === 0) return new Map()
  const names = known.part?.columns.filter((name) => Object.hasOwn(values, name)) ?? []
  const rows = await database.send(
    { name: '', text: partsByIds(known, names, isLocking) },
    [ids, ...tenantParameter(known, actor), ...parentValues(known, names, values)],
    transaction,
  )
  return new Map(
    rows.map((row) => [
      row.noclobber_id as string,
      { version: Number(row.version), parent: row.noclobber_parent, next: row.noclobber_next },
    ]),
  )
}

/** May this person do this with a part under this parent, `null` for none? */
export const mayUnder = (
  { known, actor }: Pick<PartsAsking, 'known' | 'actor'>,
  action: WriteAction,
  record: PermissionRecord,
  parent: string | null,
  readable: Readable,
): boolean =>
  parent === null
    ? known.may(actor, action, record)
    : readable.has(parent) && known.may(actor, action, record, readable.get(parent))

/** What a part is to get, where that names its parent: the values, and the parent's key. */
export interface Move {
  values: Record<string, unknown>
  parent: string | null
}

/** Authorizes parts by their parents, where they are and where they go. Those that aren't there are left out. */
export const authorizeParts = (
  database: Database,
  asking: PartsAsking,
  action: WriteAction,
  {
    parts,
    readable,
    moveOf,
  }: { parts: Map<string, Part>; readable: Readable; moveOf(id: string): Move | null },
) => {
  const { known, actor, transaction } = asking
  const may = (asked: Action, record: WireRecord) => {
    if (asked === 'read') return known.mayRead(actor, record)
    if (!mayUnder(asking, action, record, parts.get(record.id)?.parent ?? null, readable)) return false
    const move = moveOf(record.id)
    if (!move) return true
    const moved = withValues(record, move.values)
    return mayUnder(asking, action, moved, move.parent, readable)
  }
  return authorizeByIds(database, known, actor, [...parts.keys()], {
    actions: ['read', action],
    may,
    transaction,
  })
}

/** Parts as they are now, with what this person may do. */
export interface AuthorizedParts {
  /** By id; those that aren't there are left out. */
  parts: Map<string, { version: number; isReadable: boolean; isAllowed: boolean }>
  /** The values name a parent that isn't there for this person. */
  isParentMissing: boolean
}

/**
 * Reads parts and their parents, and authorizes each.
 *
 * @param values New values by field: they may name another parent.
 */
export const readAuthorizedParts = async (
  database: Database,
  asking: PartsAsking,
  { action, ids, values = {} }: { action: WriteAction; ids: string[]; values?: Record<string, unknown> },
): Promise<AuthorizedParts> => {
  const parts = await readParts(database, asking, ids, values)
  const keys = [
    ...new Set([...parts.values()].flatMap(({ parent, next }) => [parent ?? [], next ?? []].flat())),
  ]
  const { readable } = await readParents(database, asking, keys)
  const isMissing = (next: string | null | undefined) => typeof next === 'string' && !readable.has(next)
  const isMoving = asking.known.part !== null && namesParent(asking.known.part, Object.keys(values))
  const moveOf = (id: string): Move | null => {
    const next = parts.get(id)?.next
    return isMoving && next !== undefined && !isMissing(next) ? { values, parent: next } : null
  }
  const authorized = await authorizeParts(database, asking, action, { parts, readable, moveOf })
  const isParentMissing = [...parts.values()].some(({ next }) => isMissing(next))
  const answer: AuthorizedParts = { parts: new Map(), isParentMissing }
  for (const [id, { record, allowed }] of authorized)
    answer.parts.set(id, {
      version: record.version,
      isReadable: allowed.includes('read'),
      isAllowed: allowed.includes(action),
    })
  return answer
}

/**
 * Authorizes a part that is yet to be made, under the record that it would be part of.
 *
 * @param values What its columns get, those included that no field shows.
 */
export const authorizeNewPart = async (
  database: Database,
  asking: PartsAsking,
  draft: PermissionRecord,
  values: Record<string, unknown>,
): Promise<'allowed' | 'forbidden' | 'no parent'> => {
  const naming = valuesNaming(asking.known, asking.actor, values)
  const { readable, next } = await readParents(database, asking, [], naming)
  if (naming && next === null) return 'no parent'
  return mayUnder(asking, 'create', draft, next, readable) ? 'allowed' : 'forbidden'
}

/** Does a new part name no parent, or one that is there for this person? */
export const isParentThere = async (
  database: Database,
  asking: Omit<PartsAsking, 'isLocking'>,
  values: Record<string, unknown>,
): Promise<boolean> => {
  const naming = valuesNaming(asking.known, asking.actor, values)
  return !naming || (await readParents(database, { ...asking, isLocking: false }, [], naming)).next !== null
}

/** The same of parts that get new values. */
export const areParentsThere = async (
  database: Database,
  target: Omit<PartsAsking, 'isLocking'>,
  ids: string[],
  values: Record<string, unknown>,
): Promise<boolean> => {
  const { part } = target.known
  if (!part || !namesParent(part, Object.keys(values))) return true
  const asking = { ...target, isLocking: false }
  const named = [...(await readParts(database, asking, ids, values)).values()].flatMap(
    ({ next }) => next ?? [],
  )
  const { readable } = await readParents(database, asking, [...new Set(named)])
  return named.every((key) => readable.has(key))
}

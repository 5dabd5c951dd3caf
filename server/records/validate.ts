// Checks of what a client wants to write: field by field against the declared schemas, and as a whole against the type's rule.
// Invariant: what comes out is a null-prototype object with declared, writable columns alone; a body never goes further. The rule
// is asked about the record as the write would leave it, of an update at the version that guards the write.
import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Knex } from 'knex'
import type { Actor } from '../base/record-type.ts'
import { MESSAGES } from '../db/errors.ts'
import { storageError } from '../db/value-codec.ts'
import type { FieldError, WireRecord } from '../protocol/index.ts'
import type { Database, KnownType } from '../tables/database.ts'
import { tenantOf } from '../tables/tenant.ts'
import { readById } from './authorization-rows.ts'
import { readRow, type Target } from './read.ts'

/** Either values that may be written, or errors. */
export type Validation = { ok: true; values: Record<string, unknown> } | { ok: false; errors: FieldError[] }

const rowErrorsOf = (field: string, issues: readonly StandardSchemaV1.Issue[]): FieldError[] =>
  issues.map(({ message }) => ({ field, message }))

/** The schema of a field that a client may write; none where it may not. */
const writableSchema = (
  { type: { fields }, writable, key }: KnownType,
  name: string,
  isNew: boolean,
): StandardSchemaV1 | undefined =>
  Object.hasOwn(fields, name) && (writable.has(name) || (isNew && key.creatable.has(name)))
    ? fields[name]
    : undefined

/** What the type derives from these values is added to them, or replaces them. */
const addDerived = async (
  { type, derivable, columns, shownNames }: KnownType,
  values: Record<string, unknown>,
  writing: Writing,
): Promise<FieldError[]> => {
  if (!type.derive || (writing.action === 'update' && Object.keys(values).length === 0)) return []
  const errors: FieldError[] = []
  for (const [name, value] of Object.entries(await type.derive({ ...values }, writing))) {
    if (!derivable.has(name))
      throw new Error(
        `Record type "${type.name}": derive gives ${name}, which is no column that may be written.`,
      )
    const refusal = storageError(value) ?? columns.get(name)?.codec.refusal(value)
    if (refusal) errors.push({ field: shownNames.includes(name) ? name : '', message: refusal })
    else values[name] = value
  }
  return errors
}

/** Who writes what; `null` where a value is only looked at. */
export type Writing = { actor: Actor; action: 'create' | 'update' }

/** Validates each named field; a creation adds the declared fields that are missing. */
export const validateFields = async (
  known: KnownType,
  input: Record<string, unknown>,
  writing: Writing | null,
): Promise<Validation> => {
  const values: Record<string, unknown> = Object.create(null)
  const errors: FieldError[] = []
  const names = Object.keys(input)
  if (writing?.action === 'create')
    for (const name of known.writable) if (!Object.hasOwn(input, name)) names.push(name)
  for (const name of names) {
    const schema = writableSchema(known, name, writing?.action === 'create')
    if (!schema) {
      const isColumn = known.columns.has(name) && !known.type.hidden.includes(name)
      errors.push({ field: name, message: isColumn ? 'can not be changed' : 'is not a field of this type' })
      continue
    }
    const sent = Object.hasOwn(input, name)
    const rowError = storageError(input[name])
    if (rowError) {
      errors.push({ field: name, message: rowError })
      continue
    }
    const validated = schema['~standard'].validate(sent ? input[name] : undefined)
    const result = validated instanceof Promise ? await validated : validated
    if (result.issues) errors.push(...rowErrorsOf(name, result.issues))
    else if (sent || result.value !== undefined) {
      const refusal = known.columns.get(name)?.codec.refusal(result.value)
      if (refusal) errors.push({ field: name, message: refusal })
      else values[name] = result.value
    }
  }
  if (writing && known.type.derive && errors.length === 0)
    errors.push(...(await addDerived(known, values, writing)))
  return errors.length > 0 ? { ok: false, errors } : { ok: true, values }
}

/** Said of an issue with a field that the writer may not see. */
const UNFIT = 'These values do not fit the rest of the record.'

/** Fields of a record as the rule sees them: with those that the writer may not see, and without those that nobody is shown. */
export const ruledFields = ({ type: { guards } }: KnownType, fields: Record<string, unknown>) => {
  const ruled: Record<string, unknown> = { ...fields }
  for (const name of Object.keys(guards)) if (Object.hasOwn(fields, name)) ruled[name] = fields[name]
  return ruled
}

/** What the rule says against these fields; an issue belongs to the field that its path begins with, else to none. */
export const ruleErrors = async (
  { type: { rule, guards }, shownNames }: KnownType,
  fields: Record<string, unknown>,
): Promise<FieldError[]> => {
  if (!rule) return []
  const { issues = [] } = await rule['~standard'].validate({ ...fields })
  return issues.map(({ message, path: [first] = [] }) => {
    const name = typeof first === 'object' ? first.key : first
    if (typeof name !== 'string' || !shownNames.includes(name))
      return { field: '', message: typeof name === 'string' && guards[name] ? UNFIT : message }
    return { field: name, message }
  })
}

/**
 * Against values that put a record where its writer is not among the audience: as against ones that put it where nothing is, as by a
 * foreign key. Who may make a record by whose own key the audience goes makes its members too.
 */
export const placementErrors = async (
  database: Database,
  { known: { audience }, actor, transaction }: Omit<Target, 'id'>,
  values: Record<string, unknown>,
): Promise<FieldError[]> => {
  const value = audience && values[audience.by.name]
  if (!audience || audience.by.isKey || value === undefined || value === null) return []
  const parameters: unknown[] = [String(value)]
  const member = audience.isMember(actor, (one) => `$${parameters.push(one)}`)
  const text = `select exists (select from ${audience.table} m where ${audience.refers} = $1::text and ${member}) as is_member`
  const [row] = await database.send({ name: '', text }, parameters, transaction)
  return row?.is_member ? [] : [{ field: audience.by.name, message: MESSAGES['23503'] as string }]
}

/** Against an update of a record at this version. None where it is at another: the guard says so. */
export const ruleErrorsOfUpdate = async (
  database: Database,
  target: Target,
  clientVersion: number,
  values: Record<string, unknown>,
): Promise<FieldError[]> => {
  const { known, actor, id, transaction } = target
  const misplaced = await placementErrors(database, target, values)
  if (!known.type.rule || misplaced.length > 0) return misplaced
  const tenant = tenantOf(known, actor)
  const seen = transaction ? undefined : database.recordCache.get(tenant, known.type.name, id, clientVersion)
  const record = seen ?? (await readRow(database, target))
  if (record?.version !== clientVersion || !known.mayRead(actor, record)) return []
  return ruleErrors(known, { ...ruledFields(known, record.fields), ...values })
}

/** Against the same update of many records, by id; of those that are at their versions. */
export const ruleErrorsOfMany = async (
  database: Database,
  {
    known,
    actor,
    transaction,
  }: { known: KnownType; actor: Actor; transaction: Knex.Transaction | undefined },
  targets: Omit<WireRecord, 'fields'>[],
  values: Record<string, unknown>,
): Promise<Map<string, FieldError[]>> => {
  const broken = new Map<string, FieldError[]>()
  const misplaced = await placementErrors(database, { known, actor, transaction }, values)
  if (misplaced.length > 0) return new Map(targets.map(({ id }) => [id, misplaced]))
  if (!known.type.rule) return broken
  const versions = new Map(targets.map(({ id, version }) => [id, version]))
  await readById(
    database,
    known,
    actor,
    [...versions.keys()],
    { isLean: false, transaction },
    async (rows) => {
      for (const row of rows) {
        const { id, version, fields } = known.sql.toRecord(row)
        const errors =
          versions.get(id) === version
            ? await ruleErrors(known, { ...ruledFields(known, fields), ...values })
            : []
        if (errors.length > 0) broken.set(id, errors)
      }
    },
  )
  return broken
}

// Checks of what a client wants to write, field by field, against the declared schemas.
// Invariant: what comes out is a null-prototype object with declared, writable columns alone; a body never goes further.
import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Actor } from '../base/record-type.ts'
import { storageError } from '../db/value-codec.ts'
import type { FieldError } from '../protocol/index.ts'
import type { KnownType } from '../tables/database.ts'

/** Either values that may be written, or errors. */
export type Validation = { ok: true; values: Record<string, unknown> } | { ok: false; errors: FieldError[] }

const rowErrorsOf = (field: string, issues: readonly StandardSchemaV1.Issue[]): FieldError[] =>
  issues.map(({ message }) => ({ field, message }))

/** The schema of a field that a client may write; none where it may not. */
const writableSchema = (
  { type: { fields }, writable }: KnownType,
  name: string,
): StandardSchemaV1 | undefined =>
  Object.hasOwn(fields, name) && writable.has(name) ? fields[name] : undefined

/** What the type derives from these values is added to them, or replaces them. */
const addDerived = async (
  { type, derivable, columns }: KnownType,
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
    if (refusal) errors.push({ field: name, message: refusal })
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
    const schema = writableSchema(known, name)
    if (!schema) {
      const isColumn = Object.hasOwn(known.type.fields, name) || known.columns.has(name)
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
  if (writing && errors.length === 0) errors.push(...(await addDerived(known, values, writing)))
  return errors.length > 0 ? { ok: false, errors } : { ok: true, values }
}

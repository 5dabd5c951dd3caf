// Checks of what a client wants to write, field by field, against the declared schemas.
// Invariant: what comes out is a null-prototype object with declared, writable columns alone; a body never goes further.
import type { StandardSchemaV1 } from '@standard-schema/spec'
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

/** Validates each named field; `required` adds the declared fields that are missing, for a creation. */
export const validateFields = async (
  known: KnownType,
  input: Record<string, unknown>,
  required = false,
): Promise<Validation> => {
  const values: Record<string, unknown> = Object.create(null)
  const errors: FieldError[] = []
  const names = Object.keys(input)
  if (required) for (const name of known.writable) if (!Object.hasOwn(input, name)) names.push(name)
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
  return errors.length > 0 ? { ok: false, errors } : { ok: true, values }
}

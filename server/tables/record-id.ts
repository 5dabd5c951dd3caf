// Ids of records as text: which texts can be a key at all, and their one canonical form.
// Invariant: a text that can't be a key is answered like a record that isn't there, and never reaches SQL.
import type { KeyKind, TrackedType } from './catalogue.ts'

const LARGEST: Record<'int2' | 'int4' | 'int8', bigint> = {
  int2: 32_767n,
  int4: 2_147_483_647n,
  int8: 9_223_372_036_854_775_807n,
}
/** Texts of integers up to this length fit without counting. */
const SHORT: Record<keyof typeof LARGEST, number> = { int2: 4, int4: 9, int8: 18 }
const INTEGER = /^(0|-?[1-9]\d{0,18})$/
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const MAX_TEXT = 200

/** The canonical id, or `null` where this text can't be a key of this kind. Letters of a uuid are lowered. */
export const canonicalId = (kind: KeyKind, id: unknown): string | null => {
  if (typeof id !== 'string') return null
  if (kind === 'text') {
    return id.length > 0 && id.length <= MAX_TEXT && !id.includes('\u0000') && id.isWellFormed() ? id : null
  }
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

/**
 * A column's value as the log and the rooms write it, or `null` where this text is another spelling of it: `07` of 7.
 * Types with many spellings that are often meant (dates, numbers with decimals) are taken as they are.
 */
export const canonicalValue = (type: string | undefined, text: string): string | null => {
  if (type === 'int2' || type === 'int4' || type === 'int8' || type === 'uuid') return canonicalId(type, text)
  return type === 'bool' && !BOOLEANS.has(text) ? null : text
}

/** A list's scope with each value in its canonical form, or `null` where one has none. */
export const canonicalScope = (
  { columns }: Pick<TrackedType, 'columns'>,
  scope: Record<string, string>,
): Record<string, string> | null => {
  const canonical: Record<string, string> = {}
  for (const [column, text] of Object.entries(scope)) {
    const value = canonicalValue(columns.get(column)?.type, text)
    if (value === null) return null
    canonical[column] = value
  }
  return canonical
}

// Whether a refused save needs anybody's decision, and what comes of it where it doesn't. Loaded with reducer.ts.

import type { StaleProblem } from '../../../server/protocol/index.ts'
import { mergeValues } from '../base/merge-values.ts'
import { differingFields, hasField, isSame } from '../base/values.ts'
import type { Mutation, RecordState, Resolution } from './state.ts'

export type MergedByItself = Omit<Resolution, 'kind' | 'mutationId'>

/**
 * A refused save that needs nobody's decision: every field that both changed has parts, and the two sides changed different
 * ones. The newest version with the typed edits in it, or `null`: a field that both changed at one place is never decided here.
 */
export async function mergedByItself(
  stateNow: () => Pick<RecordState, 'record' | 'draft'>,
  { kind, clientVersion }: Pick<Mutation, 'kind' | 'clientVersion'>,
  { merge, current, updated_by: by }: StaleProblem,
): Promise<MergedByItself | null> {
  if (kind !== 'save' || !merge) return null
  const isTextIn = merge.text.some((field) => hasField(stateNow().draft, field))
  const texts = isTextIn ? await import('../text/text-diff.ts').catch(() => null) : null
  const { record, draft } = stateNow()
  if (record?.version !== clientVersion || current.version <= clientVersion) return null
  const fields = differingFields(record.fields, current.fields)
  const edited: Record<string, unknown> = {}
  for (const field of fields) {
    const [original, mine, theirs] = [record.fields[field], draft[field], current.fields[field]]
    if (!hasField(draft, field) || isSame(mine, theirs)) continue
    const isText = texts !== null && merge.text.includes(field) && [original, mine, theirs].every(isString)
    const text = isText && texts.mergeTexts(String(original), String(mine), String(theirs))
    const both = isText ? (text === null ? null : { value: text }) : mergeValues(original, mine, theirs)
    if (!both) return null
    edited[field] = both.value
  }
  const merged = { fields, by, isOne: current.version === clientVersion + 1 }
  return { version: current.version, theirs: [], edited, merged }
}

const isString = (value: unknown) => typeof value === 'string'

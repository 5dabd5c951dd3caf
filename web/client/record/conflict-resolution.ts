// Resolves a conflict, without UI: the choice for each field, and the result. A choice is valid for the others' value that
// it was made against; when they change that field again, it has to be made anew.

import type { StaleProblem } from '../../../server/protocol/index.ts'
import { mergeValues } from '../base/merge-values.ts'
import { differingFields, isSame } from '../base/values.ts'
import type { ConflictField, ConflictView, Side } from './conflict-view.ts'
import type { Mutation, RecordState, Resolution } from './state.ts'

/** A choice, and the value it was made against. */
export interface Choice {
  side: Side
  /** The row's `of`: without it the choice is taken for any record's. */
  of?: string
  theirs: unknown
  /** The value of `both`, where it was put together from texts. */
  both?: unknown
}

export type Choices = Readonly<Record<string, Choice>>

/** The side that a field takes now: the choice, else the default; `null` while it is undecided. */
export function sideOf(row: ConflictField, choices: Choices): Side | null {
  const choice = choices[row.field]
  const isOfRow = choice !== undefined && (choice.of === undefined || choice.of === row.of)
  return isOfRow && isSame(choice.theirs, row.theirs) ? choice.side : row.side
}

/** The undecided fields. */
export const undecided = (view: ConflictView, choices: Choices): ConflictField[] =>
  view.fields.filter((row) => sideOf(row, choices) === null)

/** The decision as the editor takes it, or `null` while a field is open or the newest version is not here. */
export function resolutionOf(
  view: ConflictView,
  choices: Choices,
): Pick<Resolution, 'version' | 'theirs' | 'edited'> | null {
  if (view.isLoading || view.fields.length === 0 || undecided(view, choices).length > 0) return null
  const theirs: string[] = []
  const edited: Record<string, unknown> = {}
  for (const row of view.fields) {
    const side = sideOf(row, choices)
    if (side === 'theirs') theirs.push(row.field)
    else if (side === 'both') edited[row.field] = bothOf(row, choices)
    else if (!row.isMine) edited[row.field] = row.original
  }
  return { version: view.version, theirs, edited }
}

const bothOf = (row: ConflictField, choices: Choices): unknown => {
  const choice = choices[row.field]
  return choice && 'both' in choice ? choice.both : row.both?.value
}

/** What differs between long texts: `partsBetween`, `mergeTexts`. It comes with a diff library, so it is loaded on use. */
export const loadTextDiff = () => import('../base/text-diff.ts')

export type MergedByItself = Omit<Resolution, 'kind' | 'mutationId'>

/**
 * A refused save that needs nobody's decision: every field that both changed has parts, and the two sides changed different
 * ones. The newest version with the typed edits in it, or `null`: a field that both changed at one place is never decided here.
 */
export async function mergedByItself(
  stateNow: () => RecordState,
  { kind, clientVersion }: Mutation,
  { merge, current, updated_by: by }: StaleProblem,
): Promise<MergedByItself | null> {
  if (kind !== 'save' || !merge) return null
  const isTextIn = merge.text.some((field) => field in stateNow().draft)
  const texts = isTextIn ? await loadTextDiff().catch(() => null) : null
  const { record, draft } = stateNow()
  if (record?.version !== clientVersion || current.version <= clientVersion) return null
  const fields = differingFields(record.fields, current.fields)
  const edited: Record<string, unknown> = {}
  for (const field of fields) {
    const [original, mine, theirs] = [record.fields[field], draft[field], current.fields[field]]
    if (!(field in draft) || isSame(mine, theirs)) continue
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

// Resolves a conflict, without UI: the choice for each field, and the result. A choice is valid for the others' value that
// it was made against; when they change that field again, it has to be made anew.

import { isSame } from '../base/values.ts'
import type { Resolution } from '../record/state.ts'
import type { ConflictField, ConflictView, Side } from './conflict-view.ts'

/** A choice, and the value it was made against. */
export interface Choice {
  /** What was chosen. */
  side: Side
  /** The row's `of`: without it the choice is taken for any record's. */
  of?: string
  /** The others' value that it was chosen against. */
  theirs: unknown
  /** The value of `both`, where it was put together from texts. */
  both?: unknown
}

/** What was chosen, by field. */
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
export const loadTextDiff = () => import('../text/text-diff.ts')

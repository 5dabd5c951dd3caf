// The rows of a window over a long list, in the order that the server gives them, from one position of the list to another.
// Invariant: they are all rows of the list between the two positions as of the cursor, or newer, so that the delta of that part makes
// them true. An edge is a position, not a row: it stays where it is when its row moves away or is deleted.

import type { WireRecord } from '../../../server/protocol/index.ts'

/** A row and its position. */
export interface PlacedRow {
  record: WireRecord
  position: string
}

export interface WindowRows {
  rows: readonly PlacedRow[]
  /** `start`, or the position of the first row that may be here. */
  from: string
  /** `end`, or that of the last one. */
  to: string
}

interface Answer {
  data: readonly WireRecord[]
  positions: readonly string[]
}

export const placed = ({ data, positions }: Answer): PlacedRow[] =>
  data.map((record, at) => ({ record, position: positions[at] as string }))

const without = (rows: readonly PlacedRow[], ids: ReadonlySet<string>) =>
  rows.filter(({ record }) => !ids.has(record.id))

const idsOf = (rows: readonly PlacedRow[]) => new Set(rows.map(({ record }) => record.id))

/** With the next rows. One that was here has moved there. */
export function append(window: WindowRows, answer: Answer & { next: string | null }): WindowRows {
  const rows = placed(answer)
  return { ...window, rows: [...without(window.rows, idsOf(rows)), ...rows], to: answer.next ?? 'end' }
}

/** With the rows before. */
export function prepend(window: WindowRows, answer: Answer & { previous: string | null }): WindowRows {
  const rows = placed(answer)
  return {
    ...window,
    rows: [...rows, ...without(window.rows, idsOf(rows))],
    from: answer.previous ?? 'start',
  }
}

/** After a delta; `null` where it doesn't fit these rows, which are then to be read anew. */
export function patched(
  window: WindowRows,
  answer: Answer & { removed: readonly string[]; behind: readonly (string | null)[] },
): WindowRows | null {
  const arriving = placed(answer)
  const rows = without(window.rows, new Set([...answer.removed, ...idsOf(arriving)]))
  const behind = new Map<string | null, PlacedRow>()
  for (const [at, row] of arriving.entries()) behind.set(answer.behind[at] ?? null, row)
  const merged: PlacedRow[] = []
  const follow = (id: string | null) => {
    let before = id
    for (let next = behind.get(before); next; next = behind.get(before)) {
      behind.delete(before)
      merged.push(next)
      before = next.record.id
    }
  }
  follow(null)
  for (const row of rows) {
    merged.push(row)
    follow(row.record.id)
  }
  return behind.size === 0 ? { ...window, rows: merged } : null
}

/** At most so many rows, around one of them or from the first one on. */
export function trimmed(window: WindowRows, most: number, around: string | null): WindowRows {
  const { rows } = window
  if (rows.length <= most) return window
  const at = Math.max(
    0,
    rows.findIndex(({ record }) => record.id === around),
  )
  const first = Math.max(0, Math.min(at - Math.floor(most / 2), rows.length - most))
  const kept = rows.slice(first, first + most)
  return {
    rows: kept,
    from: first === 0 ? window.from : (kept[0] as PlacedRow).position,
    to: first + most === rows.length ? window.to : (kept.at(-1) as PlacedRow).position,
  }
}

// Which rows are selected: by id, so that a selection outlives every refresh; what leaves the list leaves it too.
import { useCallback, useMemo, useRef, useState } from 'react'

export interface Selection {
  ids: ReadonlySet<string>
  /** `isRange`: from the row pressed last up to this one. */
  select: (id: string, isSelected: boolean, isRange: boolean) => void
  selectAll: (isSelected: boolean) => void
  keepOnly: (ids: Iterable<string>) => void
}

export const useSelection = (rows: readonly { id: string }[]): Selection => {
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set())
  const shown = useRef(rows)
  shown.current = rows
  const last = useRef<string | null>(null)
  const ids = useMemo(() => {
    if (chosen.size === 0) return chosen
    return new Set(rows.flatMap(({ id }) => (chosen.has(id) ? id : [])))
  }, [chosen, rows])

  const select = useCallback((id: string, isSelected: boolean, isRange: boolean) => {
    const all = shown.current.map((row) => row.id)
    const [from, to] = [all.indexOf(last.current ?? id), all.indexOf(id)]
    const range = isRange && from >= 0 ? all.slice(Math.min(from, to), Math.max(from, to) + 1) : [id]
    last.current = id
    setChosen((before) => {
      const after = new Set(before)
      for (const one of range) isSelected ? after.add(one) : after.delete(one)
      return after
    })
  }, [])
  const selectAll = useCallback(
    (isSelected: boolean) => setChosen(new Set(isSelected ? shown.current.map(({ id }) => id) : [])),
    [],
  )
  const keepOnly = useCallback((kept: Iterable<string>) => setChosen(new Set(kept)), [])
  return { ids, select, selectAll, keepOnly }
}

// A select that has no option for the record's value shows none. Left alone, a browser shows the first one: as if the record
// said so, and nobody can choose it.

import { useEffect, useLayoutEffect } from 'react'

// A server has no effects, and React 18 says so of this one.
const useCommitEffect = typeof document === 'undefined' ? useEffect : useLayoutEffect

/** `selects`: what each of them shows, by name; `key`: what the record's forms are marked with, `null` for a cell that is edited. */
export function useBlankSelects(selects: ReadonlyMap<string, string>, key: string | null): void {
  useCommitEffect(() => {
    if (selects.size === 0) return
    for (const select of document.querySelectorAll('select')) {
      const text = selects.get(select.name)
      const isOurs = (select.form?.getAttribute('data-nc-form') ?? null) === key
      if (isOurs && text !== undefined && !select.multiple && select.value !== text) select.selectedIndex = -1
    }
  })
}

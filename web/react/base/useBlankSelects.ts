// A select that has no option for the record's value shows none. Left alone, a browser shows the first one: as if the record
// said so, and nobody can choose it.

import { useEffect, useLayoutEffect } from 'react'

// A server has no effects, and React 18 says so of this one.
const useCommitEffect = typeof document === 'undefined' ? useEffect : useLayoutEffect

/** `selects`: what each of them shows, by name; `key`: what the record's forms are marked with. */
export function useBlankSelects(selects: ReadonlyMap<string, string>, key: string): void {
  useCommitEffect(() => {
    if (selects.size === 0) return
    for (const form of document.querySelectorAll<HTMLFormElement>(
      `form[data-nc-form=${JSON.stringify(key)}]`,
    ))
      for (const [name, text] of selects) {
        const select = form.elements.namedItem(name)
        const isOther = select instanceof HTMLSelectElement && !select.multiple && select.value !== text
        if (isOther) select.selectedIndex = -1
      }
  })
}

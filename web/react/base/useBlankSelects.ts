// A select that has no option for the record's value shows none. Left alone, a browser shows the first one: as if the record
// said so, and nobody can choose it.

import { useEffect, useLayoutEffect } from 'react'

// A server has no effects, and React 18 says so of this one.
const useCommitEffect = typeof document === 'undefined' ? useEffect : useLayoutEffect

/** `selects`: what each of them shows, by name; `key`: what the record's forms are marked with, `null` for a cell that is edited. */
export function useBlankSelects(selects: ReadonlyMap<string, string>, key: string | null): void {
  useCommitEffect(() => {
    if (selects.size === 0) return
    if (key === null) {
      for (const [name, text] of selects)
        for (const select of document.querySelectorAll<HTMLSelectElement>(
          `select[name=${JSON.stringify(name)}]`,
        ))
          if (!select.closest('[data-nc-form]')) showNone(select, text)
      return
    }
    for (const form of document.querySelectorAll<HTMLFormElement>(
      `form[data-nc-form=${JSON.stringify(key)}]`,
    ))
      for (const [name, text] of selects) {
        const select = form.elements.namedItem(name)
        if (select instanceof HTMLSelectElement) showNone(select, text)
      }
  })
}

function showNone(select: HTMLSelectElement, text: string) {
  if (!select.multiple && select.value !== text) select.selectedIndex = -1
}

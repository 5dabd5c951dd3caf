// A select shows what the record has, and where it has no option for that, none. Left alone, a browser shows the first one: as if
// the record said so, and nobody can choose it.

import { useEffect, useRef } from 'react'
import type { Stop } from '../../client/base/clock.ts'
import { listenOnPages, openPages, watchTree } from '../../dom/focus.ts'
import { useCommitEffect } from './useCommitEffect.ts'

/** `selects`: what each of them shows, by name; `key`: what the record's forms are marked with, `null` for a cell that is edited. */
export function useBlankSelects(selects: ReadonlyMap<string, string>, key: string | null): void {
  const watched = useRef(new Map<Element, Stop>())
  const show = useRef(() => {})
  useCommitEffect(() => {
    show.current = () => {
      for (const select of [...openPages()].flatMap((page) => [...page.querySelectorAll('select')])) {
        const text = selects.get(select.name)
        const isOurs = (select.form?.getAttribute('data-nc-form') ?? null) === key
        if (!isOurs || text === undefined || select.multiple) continue
        if (select.value !== text) select.value = text
        // Its options may come by themselves, as those that are fetched.
        if (!watched.current.has(select))
          watched.current.set(
            select,
            watchTree(select, () => show.current()),
          )
      }
    }
    if (selects.size > 0) show.current()
  })
  useEffect(() => {
    const all = watched.current
    // A window of its own is known once somebody comes to it.
    const stopListening = listenOnPages('focusin', ({ target }) => {
      if ((target as Node).ownerDocument !== document) show.current()
    })
    return () => {
      stopListening()
      for (const stop of all.values()) stop()
      all.clear()
    }
  }, [])
}

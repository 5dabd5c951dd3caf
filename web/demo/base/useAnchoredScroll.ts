// Keeps the scroll position anchored: when rows come and go, the row under the pointer, else the first visible one, stays where
// it is on the screen.
import { type RefObject, useLayoutEffect, useRef } from 'react'

interface Anchored {
  rows: readonly { id: string }[]
  rowHeight: number
  /** When it changes, another list is shown, from its top. */
  listKey: string
  /** The list begins with the first row: what comes before it is seen. Default `true`. */
  isStart?: boolean
}

export const useAnchoredScroll = (
  place: RefObject<HTMLElement | null>,
  { rows, rowHeight, listKey, isStart = true }: Anchored,
): void => {
  const before = useRef({ rows, listKey })
  useLayoutEffect(() => {
    const { rows: old, listKey: oldKey } = before.current
    before.current = { rows, listKey }
    const scroller = place.current
    if (!scroller || old === rows) return
    if (oldKey !== listKey) {
      scroller.scrollTop = 0
      return
    }
    const pointed = scroller.querySelector('tbody tr:hover')?.getAttribute('data-id')
    const first = Math.floor(scroller.scrollTop / rowHeight)
    if (first === 0 && isStart && !pointed) return
    const places = new Map(rows.map(({ id }, index) => [id, index]))
    const pointedAt = pointed ? old.findIndex(({ id }) => id === pointed) : -1
    const candidates =
      pointedAt >= 0 ? [pointedAt, first, first + 1, first + 2] : [first, first + 1, first + 2]
    for (const index of candidates) {
      const now = places.get(old[index]?.id ?? '')
      if (now === undefined) continue
      if (now !== index) scroller.scrollTop += (now - index) * rowHeight
      return
    }
  }, [place, rows, rowHeight, listKey, isStart])
}

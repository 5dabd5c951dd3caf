// The focus of a part: where the button that had it goes away, it stays in the part.

import { type RefObject, useEffect, useRef } from 'react'
import { holdFocus } from '../../dom/focus.ts'

/** For the part's own element, which is there as long as the part is, and has `tabIndex={-1}`. */
export function useHeldFocus<E extends HTMLElement>(): RefObject<E | null> {
  const place = useRef<E>(null)
  useEffect(() => (place.current ? holdFocus(place.current) : undefined), [])
  return place
}

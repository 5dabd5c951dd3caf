// Where the focus is while the dialog is open, and where it goes when that closes. Invariant: who types elsewhere keeps the focus;
// what was focused before gets it back.

import { useEffect, useLayoutEffect, useRef } from 'react'
import type { DialogPartProps } from '../base/parts.tsx'

/** Somebody types there, or is about to choose. */
const isInUse = (element: Element | null) =>
  element?.matches(
    'input, textarea, select, [contenteditable], [role=combobox], [role=listbox], [role=checkbox], [role=slider]',
  ) === true

/** Also in a shadow tree and in another window. */
const activeAt = (place: Element | null) =>
  (place?.getRootNode() as Document | undefined)?.activeElement ?? null

export function useDialogFocus(isModal: boolean, close: () => void) {
  const dialog = useRef<HTMLDialogElement>(null)
  const cameFrom = useRef<Element | null>(null)
  const goBack = () => (cameFrom.current as HTMLElement | null)?.focus?.()

  const isLeft = useRef(false)
  const latest = useRef(close)
  latest.current = close

  /** The browser closes it by itself: a phone's gesture of going back, a screen reader's of leaving. */
  useEffect(() => {
    const place = dialog.current
    const closed = ({ target }: Event) => {
      if (target === place && !isLeft.current) leaveBy(latest.current)()
    }
    place?.addEventListener('close', closed)
    return () => place?.removeEventListener('close', closed)
  }, [])

  useEffect(() => {
    const active = activeAt(dialog.current)
    cameFrom.current ??= active
    if (isModal) dialog.current?.showModal()
    else if (!isInUse(active)) dialog.current?.focus({ preventScroll: true })
  }, [isModal])

  /** It goes away by itself, as when the record is deleted. */
  useLayoutEffect(() => {
    const place = dialog.current
    return () => {
      if (place?.contains(activeAt(place))) goBack()
    }
  }, [])

  const remember: DialogPartProps['onFocus'] = ({ relatedTarget, currentTarget }) => {
    if (relatedTarget && !currentTarget.contains(relatedTarget)) cameFrom.current = relatedTarget
  }
  /** The pressed button goes away with the dialog: the focus goes back to where it came from. */
  const leaveBy = (act: () => void) => () => {
    isLeft.current = true
    dialog.current?.close?.()
    goBack()
    act()
  }
  return { dialog, remember, leaveBy }
}

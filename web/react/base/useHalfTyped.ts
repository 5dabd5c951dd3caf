// What a browser keeps to itself, as a half typed day, is in no value that React could compare: it goes with its record, and with what
// is forgotten.

import { useRef } from 'react'
import { type Control, forgetHalfTyped } from '../../dom/controls.ts'
import { openPages } from '../../dom/focus.ts'
import { useCommitEffect } from './useCommitEffect.ts'
import type { TypedTexts } from './useTypedTexts.ts'

/** `key`: what the record's forms are marked with. */
export function useHalfTyped({ begun, asked }: TypedTexts, key: string): void {
  const before = useRef(begun.at)
  useCommitEffect(() => {
    if (before.current === begun.at) return
    before.current = begun.at
    for (const page of openPages())
      for (const input of page.querySelectorAll<Control>('input'))
        if (asked.has(input.name) && input.form?.getAttribute('data-nc-form') === key)
          forgetHalfTyped([input])
  })
}

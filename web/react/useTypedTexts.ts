// The texts of inputs whose value is no text. While somebody types, an input shows what they typed and nothing else, for
// "0." and "0.0" are the same number; text that is not a value stays visible, is never saved, and is reported as invalid.

import { useMemo, useReducer } from 'react'
import { isSame } from '../client/base/values.ts'

/** What stands in one input. */
interface TypedText {
  text: string
  /** What it was read as. */
  value: unknown
  /** `unfinished` is not reported before a save is requested. */
  kind: 'value' | 'unfinished' | 'unreadable'
}

export interface TypedTexts {
  /** The typed text, while it stands for this value. */
  of(name: string, value: unknown): string | null
  note(name: string, typed: TypedText): void
  /** Names whose text is not a value, and is reported. */
  unreadable(): string[]
  /** Names whose text is not a value. */
  unread(): string[]
  /** A save was requested: from now on all of them are reported. */
  insist(): void
  forget(): void
}

/** The texts of one form or cell; forgotten with `owner`, and with the person. */
export function useTypedTexts(owner: object, person: string | null): TypedTexts {
  const [count, redraw] = useReducer((before: number) => before + 1, 0)
  const texts = useMemo(() => new Map<string, TypedText>(), [owner, person])
  return useMemo(() => {
    const namesOf = (passes: (typed: TypedText) => boolean) =>
      [...texts].flatMap(([name, typed]) => (passes(typed) ? name : []))
    return {
      of(name, value) {
        const typed = texts.get(name)
        return typed && (typed.kind !== 'value' || isSame(typed.value, value)) ? typed.text : null
      },
      note(name, typed) {
        texts.set(name, typed)
        redraw()
      },
      unreadable: () => namesOf(({ kind }) => kind === 'unreadable'),
      unread: () => namesOf(({ kind }) => kind !== 'value'),
      insist() {
        for (const [name, typed] of texts)
          if (typed.kind === 'unfinished') texts.set(name, { ...typed, kind: 'unreadable' })
        redraw()
      },
      forget() {
        if (texts.size === 0) return
        texts.clear()
        redraw()
      },
    }
  }, [texts, count])
}

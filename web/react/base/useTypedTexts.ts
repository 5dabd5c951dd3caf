// The texts of inputs whose value is no text. While somebody types, an input shows what they typed and nothing else, for
// "0." and "0.0" are the same number; text that is not a value stays visible, is never saved, and is reported as invalid.

import { useEffect, useMemo, useReducer } from 'react'
import type { InputKind, ReadText } from '../../client/base/field-text.ts'
import { isSame } from '../../client/base/values.ts'
import { nameInFocus } from '../../dom/focus.ts'

/** What stands in one input. */
interface TypedText {
  text: string
  /** What the field is while the text stands. */
  value: unknown
  /** `unfinished` is not reported before a save is requested. */
  read: ReadText
  kind: InputKind
}

export interface TypedTexts {
  /**
   * The typed text, while it stands for this value. `sent`: what the value was when it was saved; while the cursor is in the
   * field, what the server made of it moves nothing.
   */
  of(name: string, value: unknown, sent?: unknown): string | null
  note(name: string, typed: TypedText): void
  /** Names whose text is not a value, and is reported; each with whether it is to be a date. */
  unreadable(): [name: string, kind: InputKind][]
  /** Names whose text is not a value. */
  unread(): [name: string, kind: InputKind][]
  /** A save was requested: what is a value for the user who insists is handed to `change`, the others are reported from now on. */
  insist(change: (name: string, value: unknown) => void): void
  /** Without names: all. */
  forget(names?: readonly string[]): void
  /** What the field's values are: those of the record, or the last one that it had. */
  typeOf(name: string, base: unknown): string
  /** What selects show, by name. */
  selects: Map<string, string>
  /** The fields that have an input, with the kinds that the page gave. */
  asked: Map<string, InputKind | undefined>
}

/** The texts of one form or cell; forgotten with `owner`, and with the person. */
export function useTypedTexts(owner: object, person: string | null): TypedTexts {
  const [count, redraw] = useReducer((before: number) => before + 1, 0)
  const texts = useMemo(() => new Map<string, TypedText>(), [owner, person])
  /** A column's values are of one type, in whatever record: what was seen of it counts for one that has none. */
  const types = useMemo(() => new Map<string, string>(), [person])
  const selects = useMemo(() => new Map<string, string>(), [owner, person])
  const asked = useMemo(() => new Map<string, InputKind | undefined>(), [owner, person])
  /** Names whose text stands only while the cursor is in the field. */
  const held = useMemo(() => new Set<string>(), [owner, person])
  useEffect(() => {
    const leave = () => {
      for (const name of held) texts.delete(name)
      if (held.size > 0) redraw()
      held.clear()
    }
    /** React resets a form after its action: with it what React itself shows in selects, checkboxes and radio buttons. */
    const drawAgain = () => void setTimeout(redraw)
    document.addEventListener('focusout', leave)
    document.addEventListener('reset', drawAgain)
    return () => {
      document.removeEventListener('focusout', leave)
      document.removeEventListener('reset', drawAgain)
    }
  }, [texts, held])
  return useMemo(() => {
    const those = (passes: (read: ReadText) => boolean) =>
      [...texts].flatMap(([name, { read, kind }]): [string, InputKind][] =>
        passes(read) ? [[name, kind]] : [],
      )
    return {
      of(name, value, sent) {
        const typed = texts.get(name)
        if (!typed) return null
        if (typed.read.kind !== 'value' || isSame(typed.value, value)) return typed.text
        if (sent === undefined || !isSame(typed.value, sent) || nameInFocus() !== name) return null
        held.add(name)
        return typed.text
      },
      note(name, typed) {
        texts.set(name, typed)
        redraw()
      },
      unreadable: () => those(({ kind }) => kind === 'unreadable'),
      unread: () => those(({ kind }) => kind !== 'value'),
      insist(change) {
        for (const [name, typed] of texts) {
          if (typed.read.kind !== 'unfinished') continue
          const { meant } = typed.read
          if (meant === undefined) texts.set(name, { ...typed, read: { kind: 'unreadable' } })
          else {
            texts.set(name, { ...typed, value: meant, read: { kind: 'value', value: meant } })
            change(name, meant)
          }
        }
        redraw()
      },
      forget(names = [...texts.keys()]) {
        const gone = names.filter((name) => texts.delete(name))
        if (gone.length > 0) redraw()
      },
      typeOf(name, base) {
        if (base !== null && base !== undefined) types.set(name, typeof base)
        else if (!types.has(name)) types.set(name, '')
        return types.get(name) ?? ''
      },
      selects,
      asked,
    }
  }, [texts, types, held, selects, asked, count])
}

// The texts of inputs whose value is no text. While somebody types, an input shows what they typed and nothing else, for
// "0." and "0.0" are the same number; text that is not a value stays visible, is never saved, and is reported as invalid.

import { useEffect, useMemo, useReducer, useRef } from 'react'
import {
  createInputTexts,
  type InputKind,
  isUnread,
  type ReadText,
  type TypedText,
} from '../../client/base/field-text.ts'
import { isSame } from '../../client/base/values.ts'
import type { RecordStore } from '../../client/record/store.ts'
import type { RecordClient } from '../../client/record-client-options.ts'
import { listenOnPages, nameInFocus } from '../../dom/focus.ts'

export type Unread = [name: string, kind: InputKind, text: string]

export interface TypedTexts {
  /**
   * The typed text, while it stands for this value. `sent`: what the value was when it was saved; while the cursor is in the
   * field, what the server made of it moves nothing.
   */
  of(name: string, value: unknown, sent?: unknown): string | null
  note(name: string, typed: TypedText): void
  /** Texts that are not a value, and are reported. */
  unreadable(): Unread[]
  /** Texts that are not a value. */
  unread(): Unread[]
  /** A save was requested: what is a value for the user who insists is handed to `change`, the others are reported from now on. */
  insist(change: (name: string, value: unknown) => void): void
  /** Without names: all. */
  forget(names?: readonly string[]): void
  /** Another one for each record, and for each time that all of it is forgotten. */
  begun: { at: object }
  /** What the field's values are: those of the record, or the last one that it had. */
  typeOf(name: string, base: unknown): string
  /** Of a value that nobody typed. */
  textOf: ReturnType<typeof createInputTexts>
  /** What selects show, by name. */
  selects: Map<string, string>
  /** The fields that have an input, with the kinds that the page gave. */
  asked: Map<string, InputKind | undefined>
}

/**
 * The texts of one form or cell; forgotten with `owner`, and with the person. Those that are no value are left with the record, if
 * there is a place for them, and taken from there.
 */
export function useTypedTexts(
  owner: object,
  client: Pick<RecordClient, 'personId'>,
  unread: RecordStore['unread'] = nowhere,
): TypedTexts {
  const person = client.personId()
  const [count, redraw] = useReducer((before: number) => before + 1, 0)
  const texts = useMemo(() => new Map<string, TypedText>(), [owner, person])
  /** A column's values are of one type, in whatever record: what was seen of it counts for one that has none. */
  const types = useMemo(() => new Map<string, string>(), [person])
  const textOf = useMemo(createInputTexts, [owner, person])
  const selects = useMemo(() => new Map<string, string>(), [owner, person])
  const asked = useMemo(() => new Map<string, InputKind | undefined>(), [owner, person])
  const begun = useMemo(() => ({ at: {} }), [owner, person])
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
    const stops = [listenOnPages('focusout', leave), listenOnPages('reset', drawAgain)]
    return () => {
      for (const stop of stops) stop()
    }
  }, [texts, held])
  useUnread(texts, () => client.personId() === person, unread, redraw)
  return useMemo(() => {
    const those = (passes: (read: ReadText) => boolean) =>
      [...texts].flatMap(([name, { read, kind, text }]): Unread[] =>
        passes(read) ? [[name, kind, text]] : [],
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
      forget(names) {
        if (!names) begun.at = {}
        for (const name of names ?? texts.keys()) texts.delete(name)
        redraw()
      },
      begun,
      textOf,
      typeOf(name, base) {
        if (base !== null && base !== undefined) types.set(name, typeof base)
        else if (!types.has(name)) types.set(name, '')
        return types.get(name) ?? ''
      },
      selects,
      asked,
    }
  }, [texts, types, held, selects, asked, begun, textOf, count])
}

const nowhere = () => new Map<string, TypedText>()

function useUnread(
  texts: Map<string, TypedText>,
  isSamePerson: () => boolean,
  unread: RecordStore['unread'],
  redraw: () => void,
): void {
  /** Of the record that was drawn last: a new one becomes another while it is shown. */
  const place = useRef(unread)
  useEffect(() => {
    place.current = unread
  }, [unread])
  useEffect(() => {
    const left = place.current()
    for (const [name, typed] of left) texts.set(name, typed)
    if (left.size > 0) redraw()
    left.clear()
    return () => {
      if (!isSamePerson()) return
      const now = place.current()
      for (const [name, typed] of texts) if (isUnread(typed)) now.set(name, typed)
    }
  }, [texts, redraw])
}

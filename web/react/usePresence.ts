// Who is at a record, for components. A thin binding: the client holds everything.

import { useEffect, useState } from 'react'
import type { Fields, PresentPerson, RecordAddress } from '../../server/protocol/index.ts'
import { presenceCode } from '../client/presence/lazy-presence.ts'
import { NOBODY } from '../client/presence/nobody.ts'
import * as presenceNow from '../client/presence/presence.ts'
import { deepActive, listenOnPages, watchTree } from '../dom/focus.ts'
import { formKey } from './base/field-props.ts'
import { useRecordClient, useStore } from './base/LiveProvider.tsx'
import type { RecordEditor } from './record-editor.ts'

type Doing = presenceNow.Doing

// Who shows people has the code: nothing waits for it.
presenceCode.provide(presenceNow)

/**
 * Follows who is at a record that is open on this page, or in a list that is watched here. With `doing`, announces
 * what this tab does there while the component is mounted.
 *
 * @example
 * const people = usePresence({ type: 'project', id }, { state: 'viewing' })
 */
export function usePresence(
  { type, id }: RecordAddress,
  doing: Doing | null = null,
): readonly PresentPerson[] {
  const { presence } = useRecordClient()
  const room = presence.people({ type, id })
  const state = doing?.state ?? null
  const field = doing?.field ?? null
  const unsaved = doing?.unsaved === true
  useEffect(() => {
    if (state === null || id === '') return
    return presence.announce({ type, id }, { state, field, unsaved })
  }, [presence, type, id, state, field, unsaved])
  return useStore(room, NOBODY)
}

type DoingEditor<F extends object> = Pick<RecordEditor<F>, 'isDirty' | 'record'>

/** What this person does in an editor: editing while something is typed or the cursor is in one of its fields. */
export function useDoing<F extends object = Fields>({ isDirty, record }: DoingEditor<F>): Doing {
  const key = record && formKey(record)
  const [focused, setFocused] = useState<string | null>(null)
  useEffect(() => {
    const look = () => setFocused(key === null ? null : fieldInFocus(key))
    const lookSoon = () => queueMicrotask(look)
    look()
    const stops = [listenOnPages('focusin', look), listenOnPages('focusout', lookSoon)]
    return () => {
      for (const stop of stops) stop()
    }
  }, [key])
  /** An input that goes away takes the cursor with it, and says nothing. */
  useEffect(() => {
    if (focused === null || key === null) return
    return watchTree(document.body, () => setFocused(fieldInFocus(key)))
  }, [focused, key])
  const field = focused !== null && record && focused in record.fields ? focused : null
  return { state: isDirty || field !== null ? 'editing' : 'viewing', field, unsaved: isDirty }
}

/** The name of the input that the cursor is in, where that is in the record's form, or the page marks no form as its. */
function fieldInFocus(key: string): string | null {
  const active = deepActive() as (Element & { name?: unknown; form?: Element | null }) | null
  const isMarked = (form: Element | null | undefined) => form?.getAttribute('data-nc-form') === key
  const forms = [...(active?.ownerDocument ?? document).querySelectorAll('[data-nc-form]')]
  const own = active?.form ?? active?.closest('form')
  const isOurs = isMarked(own) || !(forms.some(isMarked) || own?.hasAttribute('data-nc-form'))
  return isOurs && typeof active?.name === 'string' && active.name !== '' ? active.name : null
}

// Who is at a record, for components. A thin binding: the client holds everything.

import { useEffect, useState, useSyncExternalStore } from 'react'
import type { Fields, PresentPerson, RecordAddress } from '../../server/protocol/index.ts'
import { presenceCode } from '../client/presence/lazy-presence.ts'
import * as presenceNow from '../client/presence/presence.ts'
import { useRecordClient } from './LiveProvider.tsx'
import type { RecordEditor } from './useRecordEditor.ts'

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
  useEffect(() => {
    if (state === null) return
    return presence.announce({ type, id }, { state, field })
  }, [presence, type, id, state, field])
  return useSyncExternalStore(room.subscribe, room.get, room.get)
}

type DoingEditor<F extends object> = Pick<RecordEditor<F>, 'isDirty' | 'record'>

/** What this person does in an editor: editing while something is typed or the cursor is in one of its fields. */
export function useDoing<F extends object = Fields>({ isDirty, record }: DoingEditor<F>): Doing {
  const [focused, setFocused] = useState<string | null>(null)
  useEffect(() => {
    const look = () => {
      const { name } = (document.activeElement ?? {}) as { name?: unknown }
      setFocused(typeof name === 'string' && name !== '' ? name : null)
    }
    const lookSoon = () => queueMicrotask(look)
    look()
    document.addEventListener('focusin', look)
    document.addEventListener('focusout', lookSoon)
    return () => {
      document.removeEventListener('focusin', look)
      document.removeEventListener('focusout', lookSoon)
    }
  }, [])
  const field = focused !== null && record && focused in record.fields ? focused : null
  return { state: isDirty || field !== null ? 'editing' : 'viewing', field }
}

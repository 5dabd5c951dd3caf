// Who else is here, as a short row of initials with the sentence behind each. For information only: it locks nothing.

import { useEffect } from 'react'
import type { Fields, PresentPerson, RecordAddress } from '../../server/protocol/index.ts'
import { plainText } from '../client/base/received.ts'
import { NO_REQUESTS } from '../client/presence/nobody.ts'
import type { Doing } from '../client/presence/presence.ts'
import { fill, labelOf, personName, textsOf, type Words } from '../client/words/messages.ts'
import { englishPresenceMessages } from '../client/words/presence-messages.ts'
import { useLive, useRecordClient, useStore } from './base/LiveProvider.tsx'
import { classes } from './base/parts.tsx'
import type { RecordEditor } from './record-editor.ts'
import { useDoing, usePresence } from './usePresence.ts'

/** More people than this are a number. */
const MOST_SHOWN = 4

/** What {@link PresenceRow} takes. */
export interface PresenceRowProps {
  /** The record type's name. */
  type: string
  /** The record's. */
  id: string
  /** The current user, whose own tabs are not shown. */
  userId?: string | null
  /** Beside its own. */
  className?: string
}

/** "Bob is editing Name". */
export function presenceSentence({ user, state, field, unsaved }: PresentPerson, words: Words): string {
  const texts = textsOf(words, 'presence', englishPresenceMessages)
  const name = personName(user, words)
  if (state === 'idle' && unsaved) return fill(texts.unsaved, { name })
  if (state === 'editing' && field !== null)
    return fill(texts.editingField, { name, field: labelOf(field, words) })
  return fill(texts[state], { name })
}

const COLORS = 8

/** A person's colour, the same on every page: `--nc-person-0` to `--nc-person-7`. */
export function colorOf(userId: string): number {
  let sum = 0
  for (const character of userId) sum = (sum * 31 + (character.codePointAt(0) ?? 0)) % 65_521
  return sum % COLORS
}

function People({
  people,
  className,
  isPlaced = false,
}: {
  people: readonly PresentPerson[]
  className?: string | undefined
  isPlaced?: boolean
}) {
  const { words, parts } = useLive()
  // The place of nobody is as high as that of many: their coming moves nothing.
  if (people.length === 0)
    return isPlaced ? <span className={classes('nc-presence', className)} data-slot="nc-presence" /> : null
  const shown = people.slice(0, MOST_SHOWN)
  const rest = people.slice(MOST_SHOWN)
  const sentences = people.map((person) => presenceSentence(person, words))
  return (
    <ul
      className={classes('nc-presence', className)}
      data-slot="nc-presence"
      aria-label={textsOf(words, 'presence', englishPresenceMessages).label}
    >
      {shown.map(({ user, state }, place) => (
        <li key={user.id}>
          <parts.Person
            data-slot="nc-person"
            className="nc-presence-person"
            {...{ id: user.id, name: plainText(user.name), state, color: colorOf(user.id) }}
            sentence={sentences[place] ?? ''}
          />
        </li>
      ))}
      {rest.length > 0 && (
        <li
          className="nc-presence-person nc-presence-rest"
          data-slot="nc-presence-rest"
          title={sentences.slice(MOST_SHOWN).join('\n')}
        >
          {fill(textsOf(words, 'presence', englishPresenceMessages).more, { count: rest.length })}
        </li>
      )}
    </ul>
  )
}

/** Who else is at a record of a watched list: for a table's row. Announces nothing of this tab. */
export function PresenceRow({ type, id, userId = null, className }: PresenceRowProps) {
  const people = usePresence({ type, id })
  return <People people={people.filter(({ user }) => user.id !== userId)} className={className} />
}

/** What {@link FieldPresence} takes. */
export interface FieldPresenceProps extends PresenceRowProps {
  /** The field's name: who has the cursor in it is shown. */
  field: string
}

/** A mark at a field that somebody else's cursor is in: put it into the field's label. It moves nothing. */
export function FieldPresence({ type, id, field, userId = null, className }: FieldPresenceProps) {
  const { words } = useLive()
  const person = usePresence({ type, id }).find(
    (one) => one.field === field && one.state === 'editing' && one.user.id !== userId,
  )
  if (!person) return null
  const name = personName(person.user, words)
  return (
    <span className={classes('nc-field-presence', className)} data-slot="nc-field-presence">
      <span data-color={colorOf(person.user.id)} title={presenceSentence(person, words)}>
        <bdi>{name}</bdi>
      </span>
    </span>
  )
}

/** A user who has handed over counts as viewing, with or without a draft, until the cursor is in a field again. */
function useHandedOver({ type, id }: RecordAddress, doing: Doing): Doing {
  const { takeOver } = useRecordClient().presence
  const requests = takeOver.at({ type, id })
  const { hasHandedOver } = useStore(requests, NO_REQUESTS)
  const isBack = hasHandedOver && doing.field !== null
  useEffect(() => {
    if (isBack) takeOver.goOn({ type, id })
  }, [takeOver, type, id, isBack])
  return hasHandedOver && !isBack ? { state: 'viewing', unsaved: doing.unsaved === true } : doing
}

/** Who else has this record open, for the editor's head; it announces what this tab does. */
export function PresenceBar<F extends object = Fields>({
  editor,
  userId = null,
  className,
}: {
  editor: Pick<RecordEditor<F>, 'type' | 'id' | 'isDirty' | 'record'>
  userId?: string | null
  className?: string
}) {
  const doing = useHandedOver(editor, useDoing(editor))
  const people = usePresence(editor, editor.record ? doing : null)
  return <People people={people.filter(({ user }) => user.id !== userId)} className={className} isPlaced />
}

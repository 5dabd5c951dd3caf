// "Ask to take over" in one line: the button for the user who waits, the request for the one who edits, the answer for the
// one who asked. For information only: it locks nothing, and nothing that is typed is lost.

import { useRef } from 'react'
import type { Fields } from '../../server/protocol/index.ts'
import { plainText } from '../client/base/received.ts'
import { NO_REQUESTS } from '../client/presence/nobody.ts'
import type { TakeOverState } from '../client/presence/take-over.ts'
import { fill, textsOf } from '../client/words/messages.ts'
import { englishTakeOverMessages } from '../client/words/presence-messages.ts'
import { deepActive } from '../dom/focus.ts'
import { useLive, useRecordClient, useStore } from './base/LiveProvider.tsx'
import { classes } from './base/parts.tsx'
import type { RecordEditor } from './record-editor.ts'
import { usePresence } from './usePresence.ts'

type HandedEditor<F extends object> = Pick<RecordEditor<F>, 'type' | 'id' | 'isDirty' | 'save'>

/** The result of {@link useTakeOver}: the requests at the record, and the actions of this user. */
export interface EditorTakeOver extends TakeOverState {
  /** Asks this person to hand the record over. */
  ask(person: { id: string; name: string }): void
  /** Saves what is unsaved, or leaves it as a draft where it can't be saved, and answers the request. */
  handOver(): Promise<void>
  /** Answers that this person goes on. */
  notNow(): void
  /** Removes the outcome of one's own request. */
  dismiss(): void
}

/** Take-over requests at an editor's record. */
export function useTakeOver<F extends object = Fields>(editor: HandedEditor<F>): EditorTakeOver {
  const { takeOver } = useRecordClient().presence
  const address = { type: editor.type, id: editor.id }
  const requests = takeOver.at(address)
  const state = useStore(requests, NO_REQUESTS)
  return {
    ...state,
    ask: (person) => void takeOver.ask(address, person),
    async handOver() {
      const active = deepActive() as HTMLElement | null
      active?.blur?.()
      if (editor.isDirty) await editor.save()
      await takeOver.answer(address, 'handed_over')
    },
    notNow: () => void takeOver.answer(address, 'not_now'),
    dismiss: () => takeOver.dismiss(address),
  }
}

/** What {@link TakeOverBar} takes. */
export interface TakeOverBarProps<F extends object = Fields> {
  /** Of `useRecordEditor`. */
  editor: HandedEditor<F>
  /** The current user, who is never asked. Default: whom the client speaks for. */
  userId?: string | null
  /** `false` for users who may not change the record: nothing is offered then. Default `true`. */
  canAsk?: boolean
  /** Beside its own. */
  className?: string
}

/** Put it below the head of the editor. Shows nothing while nobody else edits and nobody asks. */
export function TakeOverBar<F extends object = Fields>({
  editor,
  userId = null,
  canAsk = true,
  className,
}: TakeOverBarProps<F>) {
  const { words, parts } = useLive()
  const texts = textsOf(words, 'takeOver', englishTakeOverMessages)
  const people = usePresence(editor)
  const { asker, asked, ask, handOver, notNow, dismiss } = useTakeOver(editor)
  const other = people.find(
    ({ user, state, unsaved }) => user.id !== userId && (state === 'editing' || unsaved),
  )
  const place = useRef<HTMLDivElement>(null)
  /** The button that was pressed goes away with its line: the focus stays here, not nowhere. */
  const press = (act: () => unknown) => () => {
    place.current?.focus({ preventScroll: true })
    void act()
  }
  const button = (slot: string, label: string, act: () => unknown) => (
    <parts.Button data-slot={slot} variant="plain" onClick={press(act)}>
      {label}
    </parts.Button>
  )
  const sentence = asker
    ? fill(texts.asks, { name: plainText(asker.name) })
    : asked && fill(texts[asked.outcome], { name: plainText(asked.name) })
  return (
    <div className={classes('nc-take-over', className)} data-slot="nc-take-over" ref={place} tabIndex={-1}>
      {canAsk && other && !asked && !asker && button('nc-ask', texts.ask, () => ask(other.user))}
      <div className={sentence ? 'nc-take-over-message nc-info' : 'nc-banner-none'}>
        <span className="nc-sentence" role="status">
          {sentence}
        </span>
        <span className="nc-buttons">
          {asker && button('nc-hand-over', texts.handOver, handOver)}
          {asker && button('nc-not-now', texts.refuse, notNow)}
          {!asker && asked && button('nc-dismiss', words.messages.buttons.dismiss, dismiss)}
        </span>
      </div>
    </div>
  )
}

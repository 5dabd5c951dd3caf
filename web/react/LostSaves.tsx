// Saves without an editor, in a list's cell or by the client itself, that the server lost when its database was restored: a
// line each, until it is dismissed. The app names the record and opens it; its editor offers the edit again.

import type { ReactNode } from 'react'
import type { LostSave } from '../client/record/lost-saves.ts'
import { fill, listFields } from '../client/words/messages.ts'
import { clockTime } from '../client/words/time-ago.ts'
import { useLive, useRecordClient, useStore } from './base/LiveProvider.tsx'

/** What {@link LostSaves} takes. */
export interface LostSavesProps {
  /** What people call this record. */
  nameOf: (save: LostSave) => ReactNode
  /** Goes to the record: its editor offers the edit again. */
  onOpen: (save: LostSave) => void
}

const NONE: readonly LostSave[] = []

/** Put it above a list; without a lost save it is empty. */
export function LostSaves({ nameOf, onOpen }: LostSavesProps) {
  const client = useRecordClient()
  const { words } = useLive()
  const lost = useStore(client.lostSaves, NONE)
  const { banner, buttons } = words.messages
  const sentence = ({ changes, at }: LostSave) =>
    fill(banner.restoredLost, {
      fields: listFields(Object.keys(changes), words),
      clock: clockTime(at, words.locale),
    })
  return (
    <div role="status">
      {lost.length > 0 && (
        <ul className="nc-unsent">
          {lost.map((save) => (
            <li key={`${save.type} ${save.id} ${save.version}`} className="nc-warning">
              <span className="nc-unsent-text">
                <strong>{nameOf(save)}</strong> <small>{sentence(save)}</small>
              </span>
              <span className="nc-buttons">
                <button
                  type="button"
                  className="nc-button"
                  onClick={() => {
                    client.dismissLost(save)
                    onOpen(save)
                  }}
                >
                  {buttons.open}
                </button>
                <button type="button" className="nc-button" onClick={() => client.dismissLost(save)}>
                  {buttons.dismiss}
                </button>
              </span>
            </li>
          ))}
        </ul>
      )}
    </div>
  )
}

// Writes without an editor that the server lost when its database was restored: a line each, until it is dismissed or made once
// more. The app names a record and opens it; its editor offers the edit again.

import { type ReactNode, useState } from 'react'
import type { LostSave } from '../client/lost/types.ts'
import { englishLostMessages } from '../client/words/lost-messages.ts'
import { fill, fillPlural, listFields, textsOf } from '../client/words/messages.ts'
import { clockTime } from '../client/words/time-ago.ts'
import { useLive, useRecordClient, useStore } from './base/LiveProvider.tsx'
import { useHeldFocus } from './base/useHeldFocus.ts'

/** What {@link LostSaves} takes. */
export interface LostSavesProps {
  /** What people call this record; of a bulk edit and an import it isn’t asked. */
  nameOf: (save: LostSave) => ReactNode
  /**
   * Goes to the record: its editor offers the edit again. Where a type is edited in cells alone, begin the cell with the value in
   * `save.changes`. `false`: it isn't open yet, and the line stays.
   */
  onOpen: (save: LostSave) => unknown
}

const NONE: readonly LostSave[] = []

/** Put it above a list; without a lost write it is empty. */
export function LostSaves({ nameOf, onOpen }: LostSavesProps) {
  const client = useRecordClient()
  const lost = useStore(client.lostSaves, NONE)
  const place = useHeldFocus<HTMLDivElement>()
  return (
    <div role="status" ref={place} tabIndex={-1}>
      {lost.length > 0 && (
        <ul className="nc-unsent">
          {lost.map((save) => (
            <LostWrite
              key={`${save.type} ${save.id} ${save.version} ${save.at}`}
              {...{ save, nameOf, onOpen }}
            />
          ))}
        </ul>
      )}
    </div>
  )
}

function LostWrite({ save, nameOf, onOpen }: LostSavesProps & { save: LostSave }) {
  const client = useRecordClient()
  const { words } = useLive()
  const [state, setState] = useState<'asked' | 'failed' | null>(null)
  const { banner, buttons } = words.messages
  const lost = textsOf(words, 'lost', englishLostMessages)
  const { what, count, changes, fileName } = save
  const values = { fields: listFields(Object.keys(changes), words), clock: clockTime(save.at, words.locale) }
  const sentence = {
    save: () => fill(banner.restoredLost, values),
    creation: () => fill(banner.creationLost, values),
    bulk: () => fill(fillPlural(lost.bulk, count, words.locale), values),
    import: () => fill(fillPlural(lost.import, count, words.locale), values),
  }[what]()
  const label = {
    save: buttons.open,
    creation: buttons.recreate,
    bulk: buttons.restoreLost,
    import: lost.importAgain,
  }[what]
  const act = async () => {
    if (what === 'save') {
      if (onOpen(save) !== false) client.dismissLost(save)
      return
    }
    setState('asked')
    await client.restoreLost(save)
    setState('failed')
  }
  const name = what === 'import' ? fileName : what === 'bulk' ? null : nameOf(save)
  return (
    <li className="nc-warning">
      <span className="nc-unsent-text">
        {name ? (
          <>
            <strong>{name}</strong> <small>{sentence}</small>
          </>
        ) : (
          sentence
        )}
        {state === 'failed' && <small> {lost.notRestored}</small>}
      </span>
      <span className="nc-buttons">
        <button
          type="button"
          className="nc-button"
          aria-disabled={state === 'asked' || undefined}
          onClick={() => state !== 'asked' && void act()}
        >
          {label}
        </button>
        <button type="button" className="nc-button" onClick={() => client.dismissLost(save)}>
          {buttons.dismiss}
        </button>
      </span>
    </li>
  )
}

// The bar over a list: "3 changes waiting", with its buttons. Its space is reserved, so that it moves no row; its buttons
// leave the focus where the user types.

import type { MouseEvent } from 'react'
import { fillPlural } from '../client/words/messages.ts'
import { useLive } from './LiveProvider.tsx'
import type { LiveList } from './useLiveList.ts'

/** The part of a list that the bar uses. */
export type ListBarList = Pick<
  LiveList<never>,
  'waiting' | 'trouble' | 'isWhole' | 'reload' | 'keepEditing'
> & {
  rows: readonly unknown[]
}

/** A mouse press does not take the focus; the keyboard still reaches the button. */
const leaveFocus = (event: MouseEvent) => event.preventDefault()

/** Put it above the table. */
export function ListBar({ list }: { list: ListBarList }) {
  const { words } = useLive()
  const texts = words.messages.list
  const { waiting, trouble, isWhole } = list
  const sentence = waiting
    ? waiting.count === null
      ? texts.waitingSome
      : fillPlural(waiting.isImport ? texts.imported : texts.waiting, waiting.count, words.locale)
    : trouble && list.rows.length > 0
      ? texts.stale
      : isWhole
        ? ''
        : texts.cut.replace('{count}', list.rows.length.toLocaleString(words.locale))
  const tone = trouble && !waiting ? 'nc-warning' : 'nc-info'
  return (
    <div className="nc-list-bar-place">
      <div className={sentence === '' ? 'nc-banner-none' : `nc-list-bar ${tone}`}>
        <span className="nc-sentence" role="status">
          {sentence}
        </span>
        {(waiting || (trouble && sentence !== '')) && (
          <span className="nc-buttons">
            <button type="button" className="nc-button" onMouseDown={leaveFocus} onClick={list.reload}>
              {texts.reload}
            </button>
            {waiting && (
              <button type="button" className="nc-button" onMouseDown={leaveFocus} onClick={list.keepEditing}>
                {texts.keepEditing}
              </button>
            )}
          </span>
        )}
      </div>
    </div>
  )
}

// The bar over a list: "3 changes waiting", with its buttons. Its space is reserved, so that it moves no row; its buttons
// leave the focus where the user types. While editing is kept it stays in sight, counts on, and says so politely.

import { englishListMessages } from '../client/words/list-messages.ts'
import { fillPlural, textsOf } from '../client/words/messages.ts'
import { useLive } from './base/LiveProvider.tsx'
import { classes, leaveFocus } from './base/parts.tsx'
import { useHeldFocus } from './base/useHeldFocus.ts'
import type { LiveList } from './useLiveList.ts'

/** The part of a list that the bar uses. */
export type ListBarList = Pick<
  LiveList<never>,
  'waiting' | 'status' | 'trouble' | 'isWhole' | 'reload' | 'keepEditing'
> & {
  rows: readonly unknown[]
  /** Of a list with a window nothing is cut: it goes on at its ends. */
  window?: object | null
}

/** Why there are no rows at all. */
const FAILED = {
  unreachable: 'failedUnreachable',
  signed_out: 'failedSignedOut',
  refused: 'failedRefused',
} as const

/** Put it above the table. */
export function ListBar({ list, className }: { list: ListBarList; className?: string }) {
  const { words, parts } = useLive()
  const texts = textsOf(words, 'list', englishListMessages)
  const { waiting, status, trouble, isWhole } = list
  const place = useHeldFocus<HTMLDivElement>()
  const sentence = waiting
    ? waiting.count === null
      ? texts.waitingSome
      : fillPlural(waiting.isImport ? texts.imported : texts.waiting, waiting.count, words.locale)
    : trouble
      ? status === 'failed'
        ? texts[FAILED[trouble]]
        : texts.stale
      : isWhole || list.window
        ? ''
        : texts.cut.replace('{count}', list.rows.length.toLocaleString(words.locale))
  const isShown = sentence !== ''
  return (
    <div className="nc-list-bar-place" data-slot="nc-list-bar-place" ref={place} tabIndex={-1}>
      <parts.Banner
        data-slot="nc-list-bar"
        isShown={isShown}
        tone={trouble && !waiting ? 'warning' : 'info'}
        className={classes('nc-list-bar', className)}
        actions={
          (waiting || trouble) && isShown ? (
            <span className="nc-buttons" data-slot="nc-list-bar-actions">
              <parts.Button
                data-slot="nc-reload"
                variant="plain"
                onMouseDown={leaveFocus}
                onClick={list.reload}
              >
                {texts.reload}
              </parts.Button>
              {waiting && !waiting.isKept && (
                <parts.Button
                  data-slot="nc-keep-editing"
                  variant="plain"
                  onMouseDown={leaveFocus}
                  onClick={list.keepEditing}
                >
                  {texts.keepEditing}
                </parts.Button>
              )}
            </span>
          ) : null
        }
      >
        <span className="nc-sentence" role="status">
          {sentence}
        </span>
      </parts.Banner>
    </div>
  )
}

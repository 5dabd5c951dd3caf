// The mark of a list's row whose writes wait for the server.

import { textsOf } from '../client/words/messages.ts'
import { englishUnsentMessages } from '../client/words/unsent-messages.ts'
import { useLive } from './base/LiveProvider.tsx'
import { classes } from './base/parts.tsx'
import type { LiveList } from './useLiveList.ts'

const TEXTS = { created: 'rowCreated', changed: 'rowChanged', removed: 'rowRemoved' } as const

/** What {@link UnsentMark} takes. */
export interface UnsentMarkProps {
  /** Of `useLiveList`. */
  list: Pick<LiveList<never>, 'unsent'>
  /** The row's. */
  id: string
  /** Beside its own. */
  className?: string
}

/**
 * "Not sent yet", for a row that is not on the server as it is shown; nothing for every other row.
 *
 * @example
 * <td>{task.fields.title} <UnsentMark list={tasks} id={task.id} /></td>
 */
export function UnsentMark({ list, id, className }: UnsentMarkProps) {
  const { words } = useLive()
  const row = list.unsent.get(id)
  if (!row) return null
  const texts = textsOf(words, 'unsent', englishUnsentMessages)
  return (
    <span
      className={classes('nc-unsent-mark', row.isRefused ? 'nc-refusal' : 'nc-info', className)}
      data-slot="nc-unsent-mark"
      data-unsent={row.what}
    >
      {row.isRefused ? texts.rowRefused : texts[TEXTS[row.what]]}
    </span>
  )
}

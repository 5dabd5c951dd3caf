// The number beside a link: how many records changed since the user last looked.

import type { ChangedSince } from '../client/events/changed-state.ts'
import { englishChangedMessages } from '../client/words/changed-messages.ts'
import { fill, fillPlural, textsOf } from '../client/words/messages.ts'
import { useLive } from './base/LiveProvider.tsx'
import { classes } from './base/parts.tsx'

/** What {@link ChangedBadge} takes. */
export interface ChangedBadgeProps {
  /** Of `useChangedSince`. */
  changed: Pick<ChangedSince, 'status' | 'count' | 'isMore' | 'isStale'>
  /** Beside its own. */
  className?: string
}

/**
 * "7", "99+", or a dot where the number is unknown, and the same in words for screen readers; nothing where nothing has changed or
 * nothing was counted yet.
 *
 * @example
 * <a href="/tasks">Tasks <ChangedBadge changed={useChangedSince('task')} /></a>
 */
export function ChangedBadge({ changed, className }: ChangedBadgeProps) {
  const { words } = useLive()
  const { status, count, isMore, isStale } = changed
  if (status !== 'ready' || count === 0) return null
  const texts = textsOf(words, 'changed', englishChangedMessages)
  const number = count?.toLocaleString(words.locale) ?? ''
  const sentence =
    count === null
      ? texts.some
      : isMore
        ? fill(texts.more, { count: number })
        : fillPlural(texts.count, count, words.locale)
  return (
    <span
      className={classes('nc-changed', className)}
      data-slot="nc-changed"
      data-stale={isStale || undefined}
      title={sentence}
    >
      <span aria-hidden="true">{count === null ? '•' : isMore ? `${number}+` : number}</span>
      <span className="nc-changed-sentence">{sentence}</span>
    </span>
  )
}

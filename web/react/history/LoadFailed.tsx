// What a list of versions, deletions or suggestions says where it could not be loaded.

import type { HistoryMessages } from '../../client/words/history-messages.ts'
import { useLive } from '../base/LiveProvider.tsx'

interface LoadFailedProps {
  texts: HistoryMessages
  /** Default: of a history. */
  text?: string
  onRetry: () => void
}

export function LoadFailed({ texts, text = texts.failed, onRetry }: LoadFailedProps) {
  const { parts } = useLive()
  return (
    <p role="alert">
      {text}{' '}
      <parts.Button data-slot="nc-history-retry" variant="plain" onClick={onRetry}>
        {texts.retry}
      </parts.Button>
    </p>
  )
}

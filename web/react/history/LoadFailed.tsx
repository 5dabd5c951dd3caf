// What a list of versions or deletions says where it could not be loaded.

import type { HistoryMessages } from '../../client/words/history-messages.ts'
import { useLive } from '../base/LiveProvider.tsx'

export function LoadFailed({ texts, onRetry }: { texts: HistoryMessages; onRetry: () => void }) {
  const { parts } = useLive()
  return (
    <p role="alert">
      {texts.failed}{' '}
      <parts.Button data-slot="nc-history-retry" variant="plain" onClick={onRetry}>
        {texts.retry}
      </parts.Button>
    </p>
  )
}

// The header's badge for edits that are not on the server yet, and their list. An entry opens its project, with the edits and
// the conflict, if there is one.

import { isNewRecord } from 'noclobber/client'
import { isAsked, type Offline } from 'noclobber/offline'
import { UnsentChanges, useRecordClient, useUnsent, useUnsentCount } from 'noclobber/react'
import { useId, useRef } from 'react'
import { navigate } from '../base/router.ts'
import { useSession } from '../base/session.ts'
import { WORDS } from '../base/words.ts'

const Badge = ({ offline }: { offline: Offline }) => {
  const id = useId()
  const panel = useRef<HTMLDivElement>(null)
  const count = useUnsentCount(offline)
  const { tabId } = useRecordClient()
  const { entries, storage, discarded } = useUnsent(offline)
  const drafts = entries.filter(({ tab }) => tab !== tabId)
  const waiting = entries.filter((entry) => isAsked(entry) || entry.trouble)
  const isLost = storage === 'full' || storage === 'barred'
  if (count === null && drafts.length === 0 && !isLost && discarded.length === 0) return null
  return (
    <>
      <button
        type="button"
        className="button unsent-badge"
        popoverTarget={id}
        data-tone={count ? 'warning' : undefined}
        data-count={waiting.length || drafts.length}
      >
        <span>{count ?? (drafts.length > 0 ? WORDS.unsent.typed(drafts.length) : WORDS.unsent.title)}</span>
      </button>
      <div ref={panel} id={id} popover="auto" className="card unsent-panel">
        <h2>{WORDS.unsent.title}</h2>
        <UnsentChanges
          offline={offline}
          nameOf={({ edits, id: record }) =>
            isNewRecord(record)
              ? WORDS.projects.newTitle
              : String(edits.base?.fields.name ?? WORDS.unsent.unnamed(record))
          }
          onOpen={({ type, id: record }) => {
            panel.current?.hidePopover()
            if (type === 'project')
              navigate(`/projects/${isNewRecord(record) ? 'new' : encodeURIComponent(record)}`)
          }}
        />
      </div>
    </>
  )
}

export const Unsent = () => {
  const session = useSession()
  return session.status === 'signed_in' ? <Badge offline={session.offline} /> : null
}

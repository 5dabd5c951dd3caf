// The header's badge for edits that are not on the server yet, and their list. An entry opens its project, with the edits and
// the conflict, if there is one.

import { isNewRecord } from 'noclobber/client'
import { isAsked, type Offline, type UnsentEntry } from 'noclobber/offline'
import { UnsentChanges, useRecordClient, useUnsent, useUnsentCount } from 'noclobber/react'
import { useId, useRef } from 'react'
import { projectAddress } from '../base/records.ts'
import { navigate } from '../base/router.ts'
import { useSession } from '../base/session.ts'
import { WORDS } from '../base/words.ts'

const nameOf = ({ type, id, edits }: UnsentEntry): string => {
  const fields = { ...edits.base?.fields, ...edits.draft }
  const unnamed = type === 'task' ? WORDS.unsent.newTask : WORDS.projects.newTitle
  return String(fields.name ?? fields.title ?? (isNewRecord(id) ? unnamed : WORDS.unsent.unnamed(id)))
}

/** A task has no page of its own. */
const addressOf = ({ type, id, edits }: UnsentEntry): string =>
  type === 'project'
    ? projectAddress(id)
    : projectAddress(String({ ...edits.base?.fields, ...edits.draft }.project_id))

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
          nameOf={nameOf}
          onOpen={(entry) => {
            panel.current?.hidePopover()
            navigate(addressOf(entry))
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

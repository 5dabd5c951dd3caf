// Deleted records of a type, with who deleted each and when, and a way back. Bringing one back is guarded: where it is there again, or
// was brought back by somebody else, nothing is written.

import { type ReactNode, useEffect, useMemo, useState } from 'react'
import type { Fields, WireDeleted, WireRecord } from '../../../server/protocol/index.ts'
import { fill, personName } from '../../client/words/messages.ts'
import { useLive, useRecordClient, useStore } from '../base/LiveProvider.tsx'
import { classes } from '../base/parts.tsx'
import { TimeAgo } from '../base/TimeAgo.tsx'
import { useHeldFocus } from '../base/useHeldFocus.ts'
import { usePersonKey } from '../base/usePersonKey.ts'
import { createDeletedStore, NONE_YET } from './deleted-records.ts'
import { firstText, historyTexts } from './history-editor.ts'
import { LoadFailed } from './LoadFailed.tsx'

/** What {@link DeletedRecords} takes. */
export interface DeletedRecordsProps {
  /** The record type's name. */
  type: string
  /** What a record is called: its name, a title. Default: the first of its fields that is a text, or its id. */
  nameOf?: (record: WireRecord<Fields>) => string
  /** More about a record, beneath its name. Default: nothing. */
  children?: (record: WireRecord<Fields>) => ReactNode
  /** Called when one is back. */
  onRestored?: (record: WireRecord<Fields>) => void
  /** Records of one page, at most 200. Default 20. */
  pageSize?: number
  /** Beside its own. */
  className?: string
}

/** It reads anew when somebody deletes or creates a record in a list that the page watches. */
export function DeletedRecords(props: DeletedRecordsProps) {
  return <DeletedOfPerson key={usePersonKey(useRecordClient())} {...props} />
}

function DeletedOfPerson(props: DeletedRecordsProps) {
  const { type, nameOf = firstText, children, onRestored, pageSize = 20, className } = props
  const client = useRecordClient()
  const { parts, words } = useLive()
  const texts = historyTexts(words)
  const store = useMemo(() => createDeletedStore(client, type, pageSize), [client, type, pageSize])
  const { status, records, next } = useStore(store, NONE_YET)
  const [said, setSaid] = useState('')
  const [busy, setBusy] = useState<string | null>(null)
  const place = useHeldFocus<HTMLElement>()
  useEffect(() => {
    void store.refresh()
    return client.onEvent(({ event }) => {
      if (event.name !== 'RecordDeleted' && event.name !== 'RecordCreated') return
      if (event.event.type === type) void store.refresh()
    })
  }, [store, client, type])

  const restore = async (record: WireDeleted) => {
    const name = nameOf(record)
    setBusy(record.id)
    const answer = await client.restoreDeleted(type, record.id, { clientVersion: record.version })
    setBusy(null)
    if (answer.outcome === 'saved') {
      store.remove(record.id)
      setSaid(fill(texts.backAgain, { name }))
      onRestored?.(answer.record)
      return
    }
    if (answer.outcome === 'conflict') setSaid(fill(texts.isThereAgain, { name }))
    else if (answer.outcome === 'forbidden') setSaid(texts.mayNotBringBack)
    else if (answer.outcome === 'invalid')
      setSaid(fill(texts.notBack, { detail: answer.errors.map(({ message }) => message).join(' ') }))
    else setSaid(texts.notRestored)
    await store.refresh()
  }

  return (
    <section
      className={classes('nc-history nc-deleted', className)}
      data-slot="nc-deleted"
      ref={place}
      tabIndex={-1}
      aria-label={texts.deleted}
    >
      <p className="nc-history-said" role="status">
        {status === 'loading' && records.length === 0 ? texts.loading : said}
      </p>
      {status === 'failed' && (
        <LoadFailed text={texts.failedDeleted} texts={texts} onRetry={() => void store.refresh()} />
      )}
      {status === 'ready' && records.length === 0 && <p>{texts.noneDeleted}</p>}
      <ol className="nc-history-list">
        {records.map((record) => (
          <li key={record.id} data-slot="nc-deleted-record">
            <p className="nc-history-head">
              <strong>
                <bdi>{nameOf(record)}</bdi>
              </strong>{' '}
              <span className="nc-history-soft">
                <bdi>
                  {fill(texts.deletedBy, {
                    who: record.updated_by
                      ? personName(record.updated_by, words)
                      : words.messages.whoSaved.unknown,
                  })}
                </bdi>
              </span>{' '}
              <TimeAgo at={record.updated_at} className="nc-history-soft" />
            </p>
            {children?.(record)}
            {record.may_restore && (
              <parts.Button
                data-slot="nc-bring-back"
                variant="plain"
                disabled={busy !== null}
                aria-label={fill(texts.bringBackOf, { name: nameOf(record) })}
                onClick={() => void restore(record)}
              >
                {texts.bringBack}
              </parts.Button>
            )}
          </li>
        ))}
      </ol>
      {next !== null && (
        <parts.Button data-slot="nc-history-older" variant="plain" onClick={() => void store.loadMore()}>
          {texts.moreDeleted}
        </parts.Button>
      )}
    </section>
  )
}

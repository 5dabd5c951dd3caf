// A record's history that one can use: each version with what it changed, and ways back to it. Every way back is a guarded save:
// where others have changed the same since, the page's <ConflictDialog> opens.

import { useEffect, useMemo, useState } from 'react'
import type { HistoryMessages } from '../../client/words/history-messages.ts'
import { fill } from '../../client/words/messages.ts'
import { useLive, useRecordClient, useStore } from '../base/LiveProvider.tsx'
import { classes } from '../base/parts.tsx'
import { useHeldFocus } from '../base/useHeldFocus.ts'
import { usePersonKey } from '../base/usePersonKey.ts'
import { HistoryVersion } from './HistoryVersion.tsx'
import { type HistoryEditor, historyTexts } from './history-editor.ts'
import { LoadFailed } from './LoadFailed.tsx'
import { LookBack } from './LookBack.tsx'
import { createHistoryStore, NO_HISTORY } from './record-history.ts'

/** What {@link RecordHistory} takes. */
export interface RecordHistoryProps {
  /** The editor of the record, as the page has it. */
  editor: HistoryEditor
  /** Versions of one page. Default 20. */
  pageSize?: number
  /** Beside its own. */
  className?: string
}

const sentenceOf = (
  outcome: { outcome: string; record?: { version: number } } | null,
  texts: HistoryMessages,
) => {
  if (outcome === null) return texts.nothingToRestore
  if (outcome.outcome === 'saved') return fill(texts.restored, { version: outcome.record?.version ?? 0 })
  if (outcome.outcome === 'conflict') return texts.toDecide
  if (outcome.outcome === 'forbidden') return texts.notAllowed
  return outcome.outcome === 'no_longer_known' ? texts.notKnown : texts.notRestored
}

/** Put it beside the form, with the page's `<ConflictDialog>`. It follows the record. */
export function RecordHistory(props: RecordHistoryProps) {
  return <HistoryOfPerson key={usePersonKey(useRecordClient())} {...props} />
}

function HistoryOfPerson({ editor, pageSize = 20, className }: RecordHistoryProps) {
  const client = useRecordClient()
  const { parts } = useLive()
  const { type, id, record, newer, words } = editor
  const texts = historyTexts(words)
  const store = useMemo(
    () => createHistoryStore(client, { type, id }, pageSize),
    [client, type, id, pageSize],
  )
  const state = useStore(store, NO_HISTORY)
  const [said, setSaid] = useState('')
  const place = useHeldFocus<HTMLElement>()
  const newest = newer?.version ?? record?.version ?? 0
  useEffect(() => {
    if (id !== '' && newest > 0) void store.refresh()
  }, [store, id, newest])

  const restore = async (version: number, fields?: string[]) => {
    setSaid('')
    const outcome = await client.editor<Record<string, unknown>>(type, id).restoreVersion(version, fields)
    setSaid(sentenceOf(outcome, texts))
  }
  const { entries, writable } = state
  const now = record ? { ...record.fields } : null
  const [last, before] = entries
  const isMine = last?.updated_by?.kind === 'user' && last.updated_by.id === client.personId()
  const undoable =
    last?.event === 'updated' && before && isMine && last.version === record?.version
      ? last.changed_fields.filter((field) => writable.includes(field) && last.values?.[field])
      : []
  const undo = before && undoable.length > 0 ? () => void restore(before.version, undoable) : null
  const isForgotten = state.next === null && entries.length > 0 && entries.at(-1)?.event !== 'created'
  return (
    <section
      className={classes('nc-history', className)}
      data-slot="nc-history"
      aria-label={texts.title}
      ref={place}
      tabIndex={-1}
    >
      {undo && (
        <parts.Button data-slot="nc-history-undo" variant="plain" onClick={undo}>
          {texts.undo}
        </parts.Button>
      )}
      {now && (
        <LookBack
          address={{ type, id }}
          {...{ now, words, texts }}
          version={record?.version ?? 0}
          onRestore={(version) => void restore(version)}
        />
      )}
      <p className="nc-history-said" role="status">
        {state.status === 'loading' ? texts.loading : said}
      </p>
      {state.status === 'failed' && <LoadFailed texts={texts} onRetry={() => void store.refresh()} />}
      {state.status === 'ready' && entries.length === 0 && <p>{texts.empty}</p>}
      <ol className="nc-history-list">
        {entries.map((entry) => (
          <HistoryVersion
            key={entry.version}
            isNewest={entry.version === newest}
            onRestore={(version, fields) => void restore(version, fields)}
            {...{ entry, now, writable, words, texts }}
          />
        ))}
      </ol>
      {state.older === 'failed' && <p role="alert">{texts.failedOlder}</p>}
      {state.next !== null && (
        <parts.Button
          data-slot="nc-history-older"
          variant="plain"
          disabled={state.older === 'loading'}
          onClick={() => void store.loadOlder()}
        >
          {state.older === 'loading' ? texts.loadingOlder : texts.older}
        </parts.Button>
      )}
      {isForgotten && <p className="nc-history-soft">{texts.forgotten}</p>}
    </section>
  )
}

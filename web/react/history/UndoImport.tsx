// A button that undoes an import, how far it is, and what stays because somebody has changed it since.

import { useEffect, useRef, useState } from 'react'
import type { UndoneRow } from '../../../server/protocol/bulk-and-import.ts'
import { fill, fillPlural } from '../../client/words/messages.ts'
import { useLive, useRecordClient } from '../base/LiveProvider.tsx'
import { classes } from '../base/parts.tsx'
import { useHeldFocus } from '../base/useHeldFocus.ts'
import { usePersonKey } from '../base/usePersonKey.ts'
import { historyTexts } from './history-editor.ts'

/** What {@link UndoImport} takes. */
export interface UndoImportProps {
  /** The record type's name. */
  type: string
  /** `import_id` of the import's answer, or of its event. */
  importId: string
  /** Called when all is undone that can be, with what became of each row. */
  onUndone?: (rows: UndoneRow[]) => void
  /** Beside its own. */
  className?: string
}

type State =
  | { step: 'ready' | 'failed' }
  | { step: 'running'; done: number; total: number }
  | { step: 'undone'; rows: UndoneRow[] }

/** Each row is undone if it is still as the import has left it. A page that is left ends it; asked again it goes on. */
export function UndoImport(props: UndoImportProps) {
  return <UndoOfPerson key={usePersonKey(useRecordClient())} {...props} />
}

function UndoOfPerson({ type, importId, onUndone, className }: UndoImportProps) {
  const client = useRecordClient()
  const { parts, words } = useLive()
  const texts = historyTexts(words)
  const [state, setState] = useState<State>({ step: 'ready' })
  const place = useHeldFocus<HTMLDivElement>()
  const running = useRef<AbortController | null>(null)
  useEffect(() => () => running.current?.abort(), [])

  const undo = async () => {
    const own = new AbortController()
    running.current = own
    setState({ step: 'running', done: 0, total: 0 })
    const undone = await client.undoImport(type, importId, {
      signal: own.signal,
      onProgress: (progress) => !own.signal.aborted && setState({ step: 'running', ...progress }),
    })
    if (own.signal.aborted) return
    if (undone.outcome !== 'undone') return setState({ step: 'failed' })
    setState({ step: 'undone', rows: undone.rows })
    onUndone?.(undone.rows)
  }

  const isDone = ({ outcome }: UndoneRow) => outcome === 'removed' || outcome === 'restored'
  const count = (number: number) => number.toLocaleString(words.locale)
  const sentence = () => {
    if (state.step === 'failed') return texts.notUndone
    if (state.step === 'running')
      return fill(texts.undoingImport, { done: count(state.done), total: count(state.total) })
    if (state.step !== 'undone') return ''
    const done = state.rows.filter(isDone).length
    const left = state.rows.filter((row) => !isDone(row) && row.outcome !== 'deleted').length
    const undone = fillPlural(texts.undoneImport, done, words.locale)
    return left > 0 ? `${undone} ${fillPlural(texts.leftAsItIs, left, words.locale)}` : undone
  }
  return (
    <div
      className={classes('nc-history nc-undo-import', className)}
      data-slot="nc-undo-import"
      ref={place}
      tabIndex={-1}
    >
      <p className="nc-history-said" role="status">
        {sentence()}
      </p>
      {state.step !== 'undone' && (
        <parts.Button
          data-slot="nc-undo-import-button"
          variant="plain"
          disabled={state.step === 'running'}
          onClick={() => void undo()}
        >
          {texts.undoImport}
        </parts.Button>
      )}
    </div>
  )
}

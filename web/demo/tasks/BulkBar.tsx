// Bulk edit of the selected tasks: one value for all, each guarded by the version that is shown. Tasks that were changed
// meanwhile are not written, and stay selected.
import { useRecordClient } from 'noclobber/react'
import { useEffect, useState } from 'react'
import type { Task } from '../base/records.ts'
import { useSession } from '../base/session.ts'
import { WORDS } from '../base/words.ts'
import { TASK_WORDS } from './task-words.ts'
import type { Selection } from './useSelection.ts'

const CHOICES = [
  ...Object.entries(WORDS.taskStatuses).map(([value, label]) => ['status', value, label] as const),
  ...Object.entries(WORDS.priorities).map(([value, label]) => ['priority', value, label] as const),
]

type Said = { text: string; isBad: boolean } | null

export const BulkBar = ({
  rows,
  selection,
  isEditing,
  onSaved,
}: {
  rows: readonly Task[]
  selection: Selection
  isEditing: boolean
  onSaved: () => void
}) => {
  const client = useRecordClient()
  const session = useSession()
  const [choice, setChoice] = useState('')
  const [isSaving, setSaving] = useState(false)
  const [said, setSaid] = useState<Said>(null)
  const [done, setDone] = useState<readonly { id: string; version?: number }[]>([])
  const count = selection.ids.size

  // What was saved before is no news beside a cell that is edited, nor when the server has lost it.
  useEffect(() => {
    const forget = () => {
      setSaid(null)
      setDone([])
    }
    if (isEditing) forget()
    return client.lostSaves.subscribe(forget)
  }, [client, isEditing])

  const apply = async () => {
    const [field, value, label] = CHOICES[Number(choice)] ?? []
    if (!field || choice === '' || session.status !== 'signed_in') return
    const { offline } = session
    setSaving(true)
    const targets = rows.filter(({ id }) => selection.ids.has(id))
    const left: string[] = []
    const outcome = await offline.saveMany('task', {
      changes: { [field]: value },
      records: targets,
      label: TASK_WORDS.bulkLabel(label ?? '', targets.length),
    })
    if (outcome.outcome === 'saved')
      left.push(...outcome.records.flatMap(({ id, outcome: one }) => (one === 'saved' ? [] : id)))
    else if (outcome.outcome !== 'queued') left.push(...targets.map(({ id }) => id))
    const saved = targets.length - left.length
    const text = left.length > 0 ? TASK_WORDS.bulkPartly(saved, left.length) : TASK_WORDS.bulkDone(saved)
    const isFailed = outcome.outcome !== 'saved' && outcome.outcome !== 'queued'
    const isQueued = outcome.outcome === 'queued'
    const sentence = isFailed ? TASK_WORDS.bulkFailed : isQueued ? TASK_WORDS.bulkWaits(saved) : text
    setSaid({ text: sentence, isBad: left.length > 0 })
    const written = outcome.outcome === 'saved' ? outcome.records : []
    setDone(written.filter(({ outcome: one }) => one === 'saved'))
    setSaving(false)
    setChoice('')
    selection.keepOnly(left)
    onSaved()
  }

  const undo = async () => {
    setSaving(true)
    const undone = await client.undoMany('task', done)
    const back = undone.filter(({ outcome }) => outcome === 'saved').length
    setSaid({ text: TASK_WORDS.bulkUndone(back, undone.length - back), isBad: back < undone.length })
    setDone([])
    setSaving(false)
    onSaved()
  }

  if (count === 0 && !said) return null
  return (
    <section className="bulk-bar" aria-label={TASK_WORDS.selected(count)}>
      {count > 0 && (
        <>
          <strong className="figures">{TASK_WORDS.selected(count)}</strong>
          <select
            className="input"
            aria-label={`${TASK_WORDS.setStatus} / ${TASK_WORDS.setPriority}`}
            value={choice}
            onChange={({ target }) => setChoice(target.value)}
          >
            <option value="">{TASK_WORDS.choose}</option>
            {(['status', 'priority'] as const).map((group) => (
              <optgroup
                key={group}
                label={group === 'status' ? TASK_WORDS.setStatus : TASK_WORDS.setPriority}
              >
                {CHOICES.map(
                  ([field, value, label], index) =>
                    field === group && (
                      <option key={value} value={index}>
                        {label}
                      </option>
                    ),
                )}
              </optgroup>
            ))}
          </select>
          <button
            type="button"
            className="button button-primary"
            disabled={choice === '' || isSaving}
            onClick={apply}
          >
            {isSaving ? TASK_WORDS.applying : TASK_WORDS.apply}
          </button>
          <button type="button" className="button" onClick={() => selection.selectAll(false)}>
            {TASK_WORDS.clearSelection}
          </button>
        </>
      )}
      <span className={said?.isBad ? 'field-error' : 'soft'} role="status">
        {said?.text}
      </span>
      {done.length > 0 && (
        <button type="button" className="button" disabled={isSaving} onClick={undo}>
          {TASK_WORDS.undo}
        </button>
      )}
    </section>
  )
}

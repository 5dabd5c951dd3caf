// Bulk edit of the selected tasks: one value for all, each guarded by the version that is shown. Tasks that were changed
// meanwhile are not written, and stay selected.
import { useRecordClient } from 'noclobber/react'
import { useEffect, useState } from 'react'
import type { Task } from '../base/records.ts'
import { WORDS } from '../base/words.ts'
import { TASK_WORDS } from './task-words.ts'
import type { Selection } from './useSelection.ts'

/** The server takes so many records at a time. */
const AT_ONCE = 500

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
  const [choice, setChoice] = useState('')
  const [isSaving, setSaving] = useState(false)
  const [said, setSaid] = useState<Said>(null)
  const [done, setDone] = useState<{ id: string; version: number }[]>([])
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
    const [field, value] = CHOICES[Number(choice)] ?? []
    if (!field || choice === '') return
    setSaving(true)
    const targets = rows.filter(({ id }) => selection.ids.has(id))
    const left: string[] = []
    const written: { id: string; version: number }[] = []
    let isFailed = false
    for (let start = 0; start < targets.length; start += AT_ONCE) {
      const some = targets.slice(start, start + AT_ONCE)
      const outcome = await client.saveMany('task', {
        changes: { [field]: value },
        records: some.map(({ id, version }) => ({ id, clientVersion: version })),
        onRefused: 'skip',
      })
      if (outcome.outcome === 'saved')
        for (const { id, outcome: one, version } of outcome.records) {
          if (one === 'saved' && version !== undefined) written.push({ id, version })
          else left.push(id)
        }
      else {
        isFailed = true
        left.push(...some.map(({ id }) => id))
      }
    }
    const saved = targets.length - left.length
    const text = left.length > 0 ? TASK_WORDS.bulkPartly(saved, left.length) : TASK_WORDS.bulkDone(saved)
    setSaid({ text: isFailed && saved === 0 ? TASK_WORDS.bulkFailed : text, isBad: left.length > 0 })
    setDone(written)
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

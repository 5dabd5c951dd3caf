// Buttons for load on the table: an import of ten thousand tasks, and a colleague who edits at a chosen rate.
import { useEffect, useState } from 'react'
import { askDemo } from '../base/session.ts'
import { TASK_WORDS } from './task-words.ts'

const RATES = [1, 5, 10, 20]
const SECONDS = 60
const MANY = 10_000

export const BusyColleague = ({ name, isFew }: { name: string; isFew: boolean }) => {
  const [rate, setRate] = useState(5)
  const [isBusy, setBusy] = useState(false)
  const [isFilling, setFilling] = useState(false)
  const [isFailed, setFailed] = useState(false)

  useEffect(() => {
    if (!isBusy) return
    const timer = setTimeout(() => setBusy(false), SECONDS * 1000)
    return () => clearTimeout(timer)
  }, [isBusy])

  const toggle = async () => {
    const answer = isBusy
      ? await askDemo('/busy', 'DELETE')
      : await askDemo('/busy', 'POST', { rate, seconds: SECONDS })
    setFailed(answer === null)
    setBusy(!isBusy && answer !== null)
  }
  const fill = async () => {
    setFilling(true)
    setFailed((await askDemo('/tasks', 'POST', { count: MANY })) === null)
    setFilling(false)
  }
  return (
    <div className="crowd">
      {isFew && (
        <button type="button" className="button" disabled={isFilling} onClick={fill}>
          {isFilling ? TASK_WORDS.filling : TASK_WORDS.fill}
        </button>
      )}
      <label className="crowd-rate">
        <span className="soft">{TASK_WORDS.rate}</span>
        <select
          className="input"
          aria-label={TASK_WORDS.rate}
          value={rate}
          disabled={isBusy}
          onChange={({ target }) => setRate(Number(target.value))}
        >
          {RATES.map((one) => (
            <option key={one}>{one}</option>
          ))}
        </select>
      </label>
      <button
        type="button"
        className="button"
        aria-pressed={isBusy}
        title={TASK_WORDS.busyHint}
        onClick={toggle}
      >
        {isBusy ? TASK_WORDS.rest(name) : TASK_WORDS.busy(name)}
      </button>
      {isFailed && (
        <span className="field-error" role="alert">
          {TASK_WORDS.playFailed}
        </span>
      )}
    </div>
  )
}

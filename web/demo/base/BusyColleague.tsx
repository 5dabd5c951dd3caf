// Buttons for load on a long table: an import of ten thousand tasks, and a colleague who edits at a chosen rate.
import { useEffect, useState } from 'react'
import { askDemo } from './session.ts'
import { WORDS } from './words.ts'

const RATES = [1, 5, 10, 20]
const SECONDS = 60
const MANY = 10_000

const words = WORDS.crowd

interface BusyColleagueProps {
  name: string
  hint: string
  isFew?: boolean
  /** Which records are edited. Default: tasks, wherever they are. */
  ofThese?: () => object
}

export const BusyColleague = ({ name, hint, isFew = false, ofThese = () => ({}) }: BusyColleagueProps) => {
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
      : await askDemo('/busy', 'POST', { rate, seconds: SECONDS, ...ofThese() })
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
          {isFilling ? words.filling : words.fill}
        </button>
      )}
      <label className="crowd-rate">
        <span className="soft">{words.rate}</span>
        <select
          className="input"
          aria-label={words.rate}
          value={rate}
          disabled={isBusy}
          onChange={({ target }) => setRate(Number(target.value))}
        >
          {RATES.map((one) => (
            <option key={one}>{one}</option>
          ))}
        </select>
      </label>
      <button type="button" className="button" aria-pressed={isBusy} title={hint} onClick={toggle}>
        {isBusy ? words.rest(name) : words.busy(name)}
      </button>
      {isFailed && (
        <span className="field-error" role="alert">
          {words.playFailed}
        </span>
      )}
    </div>
  )
}

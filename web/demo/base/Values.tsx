// Values of changed fields before and after: three fields at most, long texts cut.
import { ACTIVITY } from './activity-words.ts'
import { fieldLabel, formatDay, formatMoney } from './format.ts'
import { WORDS } from './words.ts'

const MOST = 3
const LONGEST = 60

const WORDED: Record<string, string> = { ...WORDS.taskStatuses, ...WORDS.priorities, ...WORDS.statuses }

const shown = (field: string, value: unknown): string => {
  if (value === null || value === undefined || value === '') return ACTIVITY.nothing
  if (field === 'budget') return formatMoney(Number(value))
  if (field.endsWith('_on')) return formatDay(String(value))
  const text =
    field === 'status' || field === 'priority' ? (WORDED[String(value)] ?? String(value)) : String(value)
  return text.length > LONGEST ? `${text.slice(0, LONGEST).trimEnd()}…` : text
}

export const Values = ({ values }: { values: Record<string, [before: unknown, after: unknown]> }) => {
  const fields = Object.entries(values).slice(0, MOST)
  if (fields.length === 0) return null
  return (
    <dl className="values">
      {fields.map(([field, [before, after]]) => (
        <div key={field}>
          <dt>{fieldLabel(field)}</dt>
          <dd>
            <del>{shown(field, before)}</del>
            <span> → </span>
            <ins>{shown(field, after)}</ins>
          </dd>
        </div>
      ))}
    </dl>
  )
}

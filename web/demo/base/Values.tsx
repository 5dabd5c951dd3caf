// Values of changed fields before and after: three fields at most, long texts cut.
import { ACTIVITY } from './activity-words.ts'
import { fieldLabel, formatValue } from './format.ts'

const MOST = 3
const LONGEST = 60

const shown = (field: string, value: unknown): string => {
  if (value === null || value === undefined || value === '') return ACTIVITY.nothing
  const text = formatValue(field, value) ?? String(value)
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

// A page with every kind of field, as a form and as cells, that watches itself: after each key, what is shown is what the
// browser showed before React had its say, and what is kept or sent is what is shown. What was wrong is in `window.wrong`.
import { createRecordClient } from 'noclobber/client'
import { type InputKind, LiveProvider, useCellEditor, useLiveList, useRecordEditor } from 'noclobber/react'
import { createRoot } from 'react-dom/client'
import { isRight, type Shown } from './shown-values.ts'

interface FieldSpec {
  as?: InputKind
  type?: string
  options?: string[]
  isLong?: boolean
}

const FIELDS: Record<string, FieldSpec> = {
  name: {},
  remark: {},
  body: { isLong: true },
  whole: { as: 'number', type: 'number' },
  price: { as: 'number', type: 'number' },
  big: { as: 'number', type: 'number' },
  ratio: { as: 'number' },
  rank: { as: 'select', options: ['', '1', '2', '3'] },
  state: { as: 'select', options: ['', 'open', 'closed'] },
  done: { as: 'checkbox', type: 'checkbox' },
  due_on: { as: 'date', type: 'date' },
  met_at: { as: 'datetime', type: 'datetime-local' },
  begins_at: { as: 'datetime', type: 'datetime-local' },
}

const parameters = new URLSearchParams(location.search)
const id = parameters.get('id') ?? '1'
const autosaveAfterMs = Number(parameters.get('autosave')) || undefined

const wrong: string[] = []
let latest: Shown | null = null
/** Sent last, by name: what a field is while its text is no value and the answer is not here. */
const onItsWay: Record<string, unknown> = {}
let open: Record<string, unknown> = {}
let base: Record<string, unknown> = {}

const shownIn = (input: HTMLInputElement): Shown => ({
  name: input.name,
  text: input.value,
  isChecked: input.checked,
  isBad: input.validity.badInput,
})
const say = (what: string, ...details: unknown[]) => {
  if (wrong.length < 20) wrong.push(`${what}: ${details.map((each) => JSON.stringify(each)).join(' · ')}`)
}

document.addEventListener(
  'input',
  ({ target }) => {
    const input = target as HTMLInputElement
    const before = shownIn(input)
    latest = before
    const { port1, port2 } = new MessageChannel()
    port2.postMessage(null)
    port1.addEventListener('message', () => {
      port1.close()
      if (!input.isConnected || latest !== before) return
      const now = shownIn(input)
      if (JSON.stringify(now) !== JSON.stringify(before)) say('shown is not what was typed', before, now)
      const { name } = input
      if (
        !isRight(now, open[name], base[name]) &&
        !isRight(now, open[name], name in onItsWay ? onItsWay[name] : base[name])
      )
        say('kept is not what is shown', now, open[name], base[name])
    })
    port1.start()
  },
  true,
)

const fetchNow: typeof fetch = (path, init) => {
  if (init?.method === 'PATCH') {
    const { changes } = JSON.parse(String(init.body)) as { changes: Record<string, unknown> }
    for (const [name, value] of Object.entries(changes)) {
      onItsWay[name] = value
      const input = document.querySelector<HTMLInputElement>(`[name="${name}"]`)
      if (!input) say('sent without a field', name, value)
      else if (!isRight(shownIn(input), value, undefined))
        say('sent is not what is shown', shownIn(input), value)
    }
  }
  return fetch(path, init)
}

const client = createRecordClient({ token: () => 'alice', userId: () => 'alice', fetch: fetchNow })

function Input({ spec, ...props }: { spec: FieldSpec } & Record<string, unknown>) {
  if (spec.options)
    return (
      <select {...props}>
        {spec.options.map((option) => (
          <option key={option} value={option}>
            {option}
          </option>
        ))}
      </select>
    )
  if (spec.isLong) return <textarea {...props} />
  return <input type={spec.type ?? 'text'} step={spec.type === 'number' ? 'any' : undefined} {...props} />
}

function Form() {
  const editor = useRecordEditor('thing', id, autosaveAfterMs ? { autosaveAfterMs } : {})
  open = editor.values
  base = editor.base
  Object.assign(window, { editor })
  return (
    <form {...editor.form} data-status={editor.status} data-dirty={editor.isDirty}>
      {Object.entries(FIELDS).map(([name, spec]) => (
        <Input key={name} spec={spec} {...editor.field(name, spec.as ? { as: spec.as } : {})} />
      ))}
      <button type="submit">Save</button>
      {Object.entries(editor.errors).map(([name, message]) => (
        <p key={name} role="alert">{`${name}: ${message}`}</p>
      ))}
    </form>
  )
}

function Cells() {
  const things = useLiveList('thing')
  const cells = useCellEditor(things.store)
  const row = things.rows.find((one) => one.id === id)
  const { edit } = cells
  if (edit) open = { [edit.field]: edit.value }
  base = row?.fields ?? {}
  Object.assign(window, { cells, row })
  const spec = edit ? FIELDS[edit.field] : undefined
  return (
    <main data-status={row ? (edit?.status ?? 'idle') : 'loading'}>
      {row &&
        Object.keys(FIELDS).map((name) => (
          <button key={name} type="button" onClick={() => cells.begin(row, name)}>
            {name}
          </button>
        ))}
      {spec && <Input spec={spec} {...cells.field(spec.as ? { as: spec.as } : {})} />}
      {cells.sentence && <p role="alert">{cells.sentence}</p>}
    </main>
  )
}

Object.assign(window, { wrong, isRight })
createRoot(document.getElementById('root') as HTMLElement).render(
  <LiveProvider client={client}>{parameters.has('cells') ? <Cells /> : <Form />}</LiveProvider>,
)

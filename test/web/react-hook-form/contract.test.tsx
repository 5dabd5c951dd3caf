// What holds for every form over a record, wherever its values are kept: react-hook-form, a library that keeps them in React's
// state as Formik does, and plain inputs.

import { act, cleanup, fireEvent, render, screen, waitFor } from '@testing-library/react'
import {
  type FormProps,
  LiveProvider,
  type RecordEditor,
  UpdateBanner,
  useRecordEditor,
} from 'noclobber/react'
import { useRecordForm } from 'noclobber/react-hook-form'
import { type ComponentProps, type ReactNode, StrictMode, useEffect, useState } from 'react'
import { Controller, useForm } from 'react-hook-form'
import { afterEach, describe, expect, test } from 'vitest'
import { createSmallServer } from '../small-server.ts'

afterEach(cleanup)

interface Project {
  name: string
  status: string
  budget: number | null
  urgent: boolean
  due_on: string | null
}

type Editor = RecordEditor<Project>
type InputProps = ComponentProps<'input'>

/** The parts that all three have; each gives the props of its inputs. */
function Frame({
  editor,
  form,
  propsOf,
  onCancel,
  children,
}: {
  editor: Editor
  form: Partial<FormProps>
  propsOf: (name: keyof Project) => InputProps
  onCancel: () => void
  children?: ReactNode
}) {
  return (
    <form aria-label={editor.status} {...form}>
      <UpdateBanner editor={editor} />
      <input aria-label="Name" {...propsOf('name')} />
      <input aria-label="Status" {...propsOf('status')} />
      <input aria-label="Budget" type="number" step="any" {...propsOf('budget')} />
      <input aria-label="Urgent" type="checkbox" {...propsOf('urgent')} />
      <input aria-label="Due" type="date" {...propsOf('due_on')} />
      {children}
      <button type="button" onClick={onCancel}>
        Cancel
      </button>
      <button type="reset">Reset</button>
      <button type="submit">Save</button>
    </form>
  )
}

function HookForm() {
  const editor = useRecordEditor<Project>('project', '1')
  const form = useForm<Project>()
  useRecordForm(form, editor)
  const options: Partial<Record<keyof Project, object>> = {
    budget: { valueAsNumber: true },
    due_on: { valueAsDate: true },
  }
  const { errors } = form.formState
  return (
    <Frame
      editor={editor}
      form={{ onSubmit: form.handleSubmit(() => void editor.save()) } as object}
      propsOf={(name) => form.register(name, options[name]) as InputProps}
      onCancel={() => form.reset()}
    >
      <p>{errors.name?.message}</p>
      <p>{errors.budget?.message}</p>
      <p>{Object.values(errors.root ?? {}).map((each) => (each as { message?: string }).message)}</p>
    </Frame>
  )
}

/** Values in React's state, one object for the whole form, handed in by field. */
function StateForm() {
  const editor = useRecordEditor<Project>('project', '1')
  const { values: known } = editor
  const [values, setValues] = useState(known)
  useEffect(() => setValues(known), [known])
  const setFieldValue = <K extends keyof Project>(name: K, value: Project[K]) => {
    setValues((before) => ({ ...before, [name]: value }))
    editor.change(name, value)
  }
  const propsOf = (name: keyof Project): InputProps => {
    if (name === 'urgent')
      return {
        checked: values.urgent === true,
        onChange: ({ target }) => setFieldValue(name, target.checked),
      }
    const read = (text: string) => (text === '' ? null : name === 'budget' ? Number(text) : text)
    return {
      value: String(values[name] ?? ''),
      onChange: ({ target }) => setFieldValue(name, read(target.value) as never),
    }
  }
  return (
    <Frame editor={editor} form={editor.form} propsOf={propsOf} onCancel={editor.revert}>
      {Object.entries(editor.errors).map(([name, message]) => (
        <p key={name}>{message}</p>
      ))}
    </Frame>
  )
}

function PlainForm() {
  const editor = useRecordEditor<Project>('project', '1')
  const kinds = { budget: 'number', urgent: 'checkbox', due_on: 'date' } as const
  const propsOf = (name: keyof Project) =>
    editor.field(name, name in kinds ? { as: kinds[name as keyof typeof kinds] } : {}) as InputProps
  return (
    <Frame editor={editor} form={editor.form} propsOf={propsOf} onCancel={editor.revert}>
      {Object.entries(editor.errors).map(([name, message]) => (
        <p key={name}>{message}</p>
      ))}
    </Frame>
  )
}

const box = (label: string) => screen.getByLabelText<HTMLInputElement>(label)
const type = (label: string, value: string) => fireEvent.input(box(label), { target: { value } })
const press = (name: string) => fireEvent.click(screen.getByRole('button', { name }))

async function open(Form: () => ReactNode) {
  const server = createSmallServer()
  render(
    <StrictMode>
      <LiveProvider client={server.client}>
        <Form />
      </LiveProvider>
    </StrictMode>,
  )
  await waitFor(() => expect(box('Name').value).toBe('Bridge 1'))
  const changes = () =>
    server.sent.filter(({ method }) => method === 'PATCH').map(({ body }) => body?.changes)
  const saves = async (wanted: object) => {
    press('Save')
    await waitFor(() => expect(changes().at(-1)).toEqual(wanted))
    await screen.findByRole('form', { name: 'clean' })
  }
  return { ...server, changes, saves }
}

describe.each([
  ['react-hook-form', HookForm],
  ['a form with values in React’s state', StateForm],
  ['a plain form', PlainForm],
])('%s', (_name, Form) => {
  test('sends what was typed, and nothing else', async () => {
    const { saves, changes } = await open(Form)
    type('Name', 'Tunnel')
    await saves({ name: 'Tunnel' })
    type('Budget', '0.05')
    fireEvent.click(box('Urgent'))
    await saves({ budget: 0.05, urgent: true })
    type('Due', '2026-11-25')
    type('Due', '2026-12-03')
    await saves({ due_on: '2026-12-03' })
    expect(changes()).toHaveLength(3)
  })

  test('typing back what was there is no edit', async () => {
    const { changes } = await open(Form)
    type('Name', 'Tunnel')
    type('Budget', '7')
    fireEvent.click(box('Urgent'))
    await screen.findByRole('form', { name: 'dirty' })
    type('Name', 'Bridge 1')
    type('Budget', '5')
    fireEvent.click(box('Urgent'))
    await screen.findByRole('form', { name: 'clean' })
    press('Save')
    expect(changes()).toEqual([])
  })

  for (const button of ['Cancel', 'Reset'])
    test(`${button} goes back to the record; what was typed can be restored, and a save sends what is typed after it`, async () => {
      const { saves } = await open(Form)
      type('Name', 'Tunnel')
      await screen.findByRole('form', { name: 'dirty' })
      press(button)
      await waitFor(() => expect(box('Name').value).toBe('Bridge 1'))
      await screen.findByRole('form', { name: 'clean' })
      press('Restore my edits')
      await waitFor(() => expect(box('Name').value).toBe('Tunnel'))
      press(button)
      await screen.findByRole('form', { name: 'clean' })
      type('Status', 'done')
      await saves({ status: 'done' })
    })

  test('what others save comes into the fields that nobody typed in', async () => {
    const server = await open(Form)
    type('Name', 'Tunnel')
    act(() => server.saveAsBob('1', { status: 'done', budget: 9 }))
    fireEvent.click(await screen.findByRole('button', { name: 'Merge' }))
    await waitFor(() => expect([box('Status').value, box('Budget').value]).toEqual(['done', '9']))
    expect(box('Name').value).toBe('Tunnel')
    await server.saves({ name: 'Tunnel' })
  })

  test('an error of the server stands until its field is typed in, one without a field stands too', async () => {
    const server = await open(Form)
    type('Name', 'x')
    server.refuseNext([
      { field: 'name', message: 'is too short' },
      { field: 'code', message: 'is missing' },
    ])
    press('Save')
    await screen.findByText('is too short')
    await screen.findByText('is missing')
    type('Name', 'Tunnel')
    await waitFor(() => expect(screen.queryByText('is too short')).toBeNull())
    await server.saves({ name: 'Tunnel' })
  })
})

test('react-hook-form: a text that is no number is no value: it stays, is said, and nothing is sent in its place', async () => {
  const { changes, saves } = await open(HookForm)
  const budget = box('Budget')
  let isBad = false
  Object.defineProperty(budget, 'validity', { get: () => ({ badInput: isBad }) })
  type('Budget', '12')
  await screen.findByRole('form', { name: 'dirty' })
  isBad = true
  type('Budget', '')
  await screen.findByText('This is not a number.')
  type('Name', 'Tunnel')
  await saves({ name: 'Tunnel' })
  await screen.findByText('This is not a number.')
  expect(budget.value).toBe('')
  isBad = false
  type('Budget', '7')
  await waitFor(() => expect(screen.queryByText('This is not a number.')).toBeNull())
  await saves({ budget: 7 })
  expect(changes()).toHaveLength(2)
})

function EmptiedForm() {
  const editor = useRecordEditor<Project>('project', '1')
  const form = useForm<Project>()
  useRecordForm(form, editor)
  return (
    <form aria-label={editor.status} onSubmit={form.handleSubmit(() => void editor.save())}>
      <input aria-label="Name" {...form.register('name')} />
      <input aria-label="Due" type="date" {...form.register('due_on')} />
      <select aria-label="Status" {...form.register('status')}>
        <option value="">none</option>
        <option>active</option>
        <option>done</option>
      </select>
      <button type="submit">Save</button>
    </form>
  )
}

test('react-hook-form: a day and a choice that are emptied are null, an emptied text is a text', async () => {
  const { saves } = await open(EmptiedForm)
  type('Due', '2026-11-25')
  type('Due', '')
  type('Name', '')
  fireEvent.change(screen.getByLabelText('Status'), { target: { value: '' } })
  await saves({ name: '', status: null })
  type('Due', '2026-11-25')
  await saves({ due_on: '2026-11-25' })
  type('Due', '')
  await saves({ due_on: null })
})

interface Odd {
  name: string
  tags: string[]
  file: unknown
  off: string
}

function OddForm() {
  const editor = useRecordEditor<Odd>('project', '1')
  const form = useForm<Odd>()
  useRecordForm(form, editor)
  const [isShown, setShown] = useState(true)
  return (
    <form aria-label={editor.status} onSubmit={form.handleSubmit(() => void editor.save())}>
      <Controller
        name="name"
        control={form.control}
        defaultValue=""
        render={({ field }) => <input aria-label="Name" {...field} />}
      />
      <input aria-label="Off" disabled {...form.register('off', { disabled: true })} />
      {isShown && <input aria-label="File" {...form.register('file', { shouldUnregister: true })} />}
      <p>{form.formState.errors.tags?.message}</p>
      <button type="button" onClick={() => form.setValue('tags', ['new'])}>
        Tag
      </button>
      <button type="button" onClick={() => form.setValue('tags', new Map() as never)}>
        Map
      </button>
      <button type="button" onClick={() => setShown(false)}>
        Hide
      </button>
      <button type="button" onClick={() => form.reset({ name: 'of nobody' })}>
        Other
      </button>
      <button
        type="button"
        onClick={() => {
          form.reset()
          form.setValue('name', 'set after a reset')
        }}
      >
        Set
      </button>
      <button type="submit">Save</button>
    </form>
  )
}

test('react-hook-form: a controlled, a disabled and a hidden input, a value set by code, and a reset to other values', async () => {
  const server = createSmallServer()
  server.saveAsBob('1', { name: 'Bridge 1', tags: ['old'], file: 'plan.pdf', off: 'as it is' })
  render(
    <LiveProvider client={server.client}>
      <OddForm />
    </LiveProvider>,
  )
  await waitFor(() => expect(box('Name').value).toBe('Bridge 1'))
  press('Hide')
  press('Tag')
  type('Name', 'Tunnel')
  press('Other')
  await waitFor(() => expect(box('Name').value).toBe('Bridge 1'))
  press('Set')
  await waitFor(() => expect(box('Name').value).toBe('set after a reset'))
  await screen.findByRole('form', { name: 'dirty' })
  press('Map')
  await screen.findByText(/^tags cannot be saved/)
  press('Tag')
  type('Name', 'Quay')
  press('Save')
  await screen.findByRole('form', { name: 'clean' })
  expect(server.sent.filter(({ method }) => method === 'PATCH').map(({ body }) => body?.changes)).toEqual([
    { name: 'Quay', tags: ['new'] },
  ])
})

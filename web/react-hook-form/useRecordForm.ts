// Ties a react-hook-form to an open record. The record's editor stays the truth: what is typed goes to it field by field,
// and what changes there (a quiet reload, a merge, restored edits) goes into the form, and touches no other field.
// Nested values and field arrays belong to the record's field that they begin with. A reset of the form goes back to the
// record; where no record is shown any more, nothing of it stays in the form.

import { useEffect, useReducer, useRef } from 'react'
import {
  type Field,
  type FieldValues,
  get,
  type Path,
  type PathValue,
  set,
  type UseFormReturn,
} from 'react-hook-form'
import { isSame } from '../client/base/values.ts'
import { englishMessages } from '../client/words/messages.ts'
import { holdFocus } from '../dom/focus.ts'
import { emptyOf, isShown, recordValue } from './form-values.ts'

/** The part of `useRecordEditor` that a form needs. */
export interface RecordFormEditor<F extends object> {
  /** The version that is shown; `null` while it loads. */
  record: unknown
  /** Its first save creates it: any input may be of a field. */
  isNew?: boolean
  /** What the form shows. */
  values: Partial<F>
  /** The fields of the shown version: what the form goes back to. */
  base?: Partial<F>
  /** The server's error for each field. */
  errors: Partial<Record<keyof F & string, string>>
  /** Types a value into a field. */
  change<K extends keyof F & string>(name: K, value: F[K]): void
  /** Sets aside what was typed. */
  revert?: () => void
  /** What is said of a text that is no number. Default: in English. */
  words?: { messages: { notANumber: string; notADate: string } }
}

/**
 * Keeps the form and the record together.
 *
 * @example
 * const editor = useRecordEditor<Project>('project', id)
 * const form = useForm<Project>()
 * useRecordForm(form, editor)
 * return <form onSubmit={form.handleSubmit(() => editor.save())}>
 *   <input {...form.register('name')} />
 * </form>
 */
export function useRecordForm<F extends FieldValues>(
  form: UseFormReturn<F>,
  editor: RecordFormEditor<F>,
): void {
  const latest = useRef(editor)
  latest.current = editor
  const isFilling = useRef(false)
  const isFilled = useRef(false)
  const isResetting = useRef(false)
  /** The form's next values are those of a reset. */
  const isAnnounced = useRef(false)
  /** Names of inputs whose text is no value. */
  const unread = useRef(new Set<string>())
  const [fills, fillAgain] = useReducer((before: number) => before + 1, 0)

  useEffect(
    () =>
      form.subscribe({
        formState: { values: true },
        callback(event) {
          const { name, values } = event
          const isOfReset = isResetting.current || (isAnnounced.current && name === undefined)
          isAnnounced.current = false
          if (isOfReset || isFilling.current || !('name' in event) || !isOpen(latest.current)) return
          const field = name === undefined ? null : fieldOf(name)
          const isUnreadNow = name !== undefined && isUnread(form, name, get(values, name))
          if (name !== undefined && isUnreadNow) unread.current.add(name)
          else if (name !== undefined && unread.current.delete(name)) form.clearErrors(name as Path<F>)
          for (const one of field === null ? Object.keys(values) : [field])
            take(form, latest.current, one, readable(form, latest.current, one, values, unread.current))
          if (isUnreadNow) sayUnread(form, latest.current, unread.current)
        },
      }),
    [form],
  )

  /** A submission clears what it knows nothing of. */
  useEffect(
    () =>
      form.subscribe({
        formState: { errors: true },
        callback: () => sayUnread(form, latest.current, unread.current),
      }),
    [form],
  )

  /** `form.reset()` and the form's own reset mean the same: back to the record. What was typed can be restored. */
  useEffect(() => {
    const goBack = () => {
      unread.current.clear()
      if (isOpen(latest.current)) latest.current.revert?.()
      fillAgain()
    }
    const onReset = (event: Event) => {
      if (!(event.target instanceof HTMLFormElement) || !isOf(form, event.target)) return
      event.preventDefault()
      if (!isOpen(latest.current) || isResetting.current) return
      isResetting.current = true
      goBack()
      form.reset(structuredClone(latest.current.base ?? latest.current.values) as F)
      isResetting.current = false
    }
    /** A reset of the form says so to all arrays in it, though it has none. */
    const { unsubscribe } = form.control._subjects.array.subscribe({
      next({ name, values = {} }) {
        if (name !== undefined || isResetting.current) return
        isAnnounced.current = true
        const { values: known } = latest.current
        const isEcho = Object.entries(known).every(
          ([field, value]) => !(field in values) || isShown(values[field], value),
        )
        if (isEcho) fillAgain()
        else goBack()
      },
    })
    document.addEventListener('reset', onReset)
    return () => {
      document.removeEventListener('reset', onReset)
      unsubscribe()
    }
  }, [form])

  useEffect(() => {
    if (!isOpen(editor) && !isFilled.current) return
    isFilled.current = isOpen(editor)
    if (!isFilled.current) unread.current.clear()
    const base: FieldValues = editor.base ?? {}
    const values: FieldValues = editor.values
    isFilling.current = true
    const shown = form.getValues()
    for (const field of new Set([...Object.keys(values), ...Object.keys(shown)])) {
      const name = field as Path<F>
      const value = field in values ? values[field] : emptyOf(shown[field])
      if (!(field in values) && editor.record) continue
      if ([...unread.current].some((one) => fieldOf(one) === field)) continue
      if (field in base && !isSame(form.formState.defaultValues?.[field], base[field]))
        form.resetField(name, {
          ...KEPT,
          defaultValue: structuredClone(base[field]) as PathValue<F, Path<F>>,
        })
      if (!isShown(form.getValues(name), value))
        form.setValue(name, structuredClone(value) as PathValue<F, Path<F>>, { shouldDirty: true })
    }
    isFilling.current = false
  }, [form, editor.record, editor.isNew, editor.base, editor.values, fills])

  /** Rows that others have changed are made anew, and so is the input in which the cursor is: it stays in that place. */
  const held = useRef<{ element: HTMLElement; stop: () => void } | null>(null)
  useEffect(() => {
    const element = elementOf(form)
    if (element === (held.current?.element ?? null)) return
    held.current?.stop()
    held.current = element && { element, stop: holdFocus(element, (last) => focusAgain(form, last)) }
  })
  useEffect(
    () => () => {
      held.current?.stop()
      held.current = null
    },
    [],
  )

  /** What stands at no input would keep the form from ever being sent again: it stands at `root`. */
  useEffect(() => {
    const names = Object.entries(editor.errors).map(([field, message]) => {
      const at = get(form.control._fields, field) ? field : `root.${field}`
      form.setError(at as Path<F>, { type: 'server', message: String(message) })
      return at as Path<F>
    })
    return () => form.clearErrors(names)
  }, [form, editor.errors])
}

/** The record's field that an input is in. */
const fieldOf = (name: string): string => /^[^.[]+/.exec(name)?.[0] ?? name

/** For a text that is no value stands the record's, or in a part of a field none: not what it was at the key before. */
function readable<F extends FieldValues>(
  form: UseFormReturn<F>,
  { base = {} }: RecordFormEditor<F>,
  field: string,
  values: FieldValues,
  unread: Iterable<string>,
): unknown {
  const names = [...unread].filter(
    (name) => fieldOf(name) === field && isUnread(form, name, get(values, name)),
  )
  if (names.length === 0) return values[field]
  if (names.includes(field)) return (base as FieldValues)[field] ?? null
  const read = { [field]: structuredClone(values[field]) }
  for (const name of names) set(read, name, null)
  return read[field]
}

/** There is something to type into. */
const isOpen = <F extends object>({ record, isNew }: RecordFormEditor<F>): boolean =>
  record !== null || isNew === true

/** What stands in one field goes to the record; what JSON has no form for is an error at the field. */
function take<F extends FieldValues>(
  form: UseFormReturn<F>,
  { values: known, base = {}, isNew, change }: RecordFormEditor<F>,
  field: string,
  typed: unknown,
): void {
  if (!(isNew || field in known) || typed === undefined) return
  try {
    const value = recordValue(field, typed, (base as FieldValues)[field], inputOf(form, field).type)
    if (!isSame(value, known[field])) change(field, value as F[string])
    if (form.getFieldState(field as Path<F>).error?.type === REFUSED) form.clearErrors(field as Path<F>)
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    form.setError(field as Path<F>, { type: REFUSED, message })
  }
}

/** An input's text that is no number or no day: what the form has of it is not what was typed. */
function isUnread<F extends FieldValues>(
  { control }: UseFormReturn<F>,
  name: string,
  typed: unknown,
): boolean {
  const isNothing = Number.isNaN(typed instanceof Date ? typed.getTime() : typed)
  const { _f: field } = (get(control._fields, name) ?? {}) as Partial<Field>
  const input = field?.ref as { value?: unknown; validity?: { badInput: boolean } } | undefined
  return isNothing && (input?.validity?.badInput === true || (input?.value ?? '') !== '')
}

function sayUnread<F extends FieldValues>(
  form: UseFormReturn<F>,
  { words }: RecordFormEditor<F>,
  names: Set<string>,
): void {
  for (const name of names) {
    const value = form.getValues(name as Path<F>) as unknown
    if (!isUnread(form, name, value)) names.delete(name)
    else if (!form.getFieldState(name as Path<F>).error) {
      const { notANumber, notADate } = words?.messages ?? englishMessages
      const message = value instanceof Date ? notADate : notANumber
      form.setError(name as Path<F>, { type: REFUSED, message })
    }
  }
}

/** The type of an error about a value that can't be saved. */
const REFUSED = 'value'

const KEPT = { keepTouched: true, keepError: true } as const

function inputOf<F extends FieldValues>(
  { control }: UseFormReturn<F>,
  name: string,
): Partial<HTMLInputElement> {
  const { _f: field } = (get(control._fields, name) ?? {}) as Partial<Field>
  return ((field?.refs?.[0] ?? field?.ref) as Partial<HTMLInputElement> | undefined) ?? {}
}

/** One of the form's inputs is in this element. */
const isOf = <F extends FieldValues>(form: UseFormReturn<F>, element: HTMLFormElement): boolean =>
  [...form.control._names.mount].some((name) => inputOf(form, name).form === element)

/** The element that the form's inputs are in. */
function elementOf<F extends FieldValues>(form: UseFormReturn<F>): HTMLFormElement | null {
  for (const name of form.control._names.mount) {
    const element = inputOf(form, name).form
    if (element) return element
  }
  return null
}

function focusAgain<F extends FieldValues>(form: UseFormReturn<F>, last: Element): void {
  const { name, selectionStart = null, selectionEnd = null } = last as Partial<HTMLInputElement>
  if (!name) return
  const input = inputOf(form, name)
  input.focus?.()
  if (selectionStart !== null) input.setSelectionRange?.(selectionStart, selectionEnd)
}

// Ties a react-hook-form to an open record. The record's editor stays the truth: what is typed goes to it field by field,
// and what changes there (a quiet reload, a merge, restored edits) goes into the form, and touches no other field.
// Nested values and field arrays belong to the record's field that they begin with. A reset of the form goes back to the
// record; where no record is shown any more, nothing of it stays in the form.

import { useEffect, useRef } from 'react'
import {
  type Field,
  type FieldValues,
  get,
  type Path,
  type PathValue,
  type UseFormReturn,
} from 'react-hook-form'
import { isSame } from '../client/base/values.ts'
import { emptyOf, isShown, recordValue } from './form-values.ts'

/** The part of `useRecordEditor` that a form needs. */
export interface RecordFormEditor<F extends object> {
  record: unknown
  values: Partial<F>
  /** The fields of the shown version: what the form goes back to. */
  base?: Partial<F>
  errors: Partial<Record<keyof F & string, string>>
  change<K extends keyof F & string>(name: K, value: F[K]): void
  /** Sets aside what was typed. */
  revert?: () => void
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

  useEffect(
    () =>
      form.subscribe({
        formState: { values: true },
        callback({ values }) {
          if (isFilling.current || !latest.current.record) return
          const { values: known, base = {}, change } = latest.current
          for (const [field, typed] of Object.entries(values)) {
            const value = recordValue(typed, (base as FieldValues)[field])
            if (field in known && value !== undefined && !isSame(value, known[field]))
              change(field, value as F[string])
          }
        },
      }),
    [form],
  )

  /** `form.reset()` and the form's own reset mean the same: back to the record. What was typed can be restored. */
  useEffect(() => {
    const goBack = (event: Event) => {
      const { record, base, revert } = latest.current
      if (!(event.target instanceof HTMLFormElement) || !isOf(form, event.target)) return
      event.preventDefault()
      if (!record || isResetting.current) return
      isResetting.current = true
      revert?.()
      form.reset(structuredClone(base ?? latest.current.values) as F)
      isResetting.current = false
    }
    document.addEventListener('reset', goBack)
    return () => document.removeEventListener('reset', goBack)
  }, [form])

  useEffect(() => {
    if (!editor.record && !isFilled.current) return
    isFilled.current = editor.record !== null
    const base: FieldValues = editor.base ?? {}
    const values: FieldValues = editor.values
    isFilling.current = true
    const shown = form.getValues()
    for (const field of new Set([...Object.keys(values), ...Object.keys(shown)])) {
      const name = field as Path<F>
      const value = field in values ? values[field] : emptyOf(shown[field])
      if (!(field in values) && editor.record) continue
      if (field in base && !isSame(form.formState.defaultValues?.[field], base[field]))
        form.resetField(name, {
          ...KEPT,
          defaultValue: structuredClone(base[field]) as PathValue<F, Path<F>>,
        })
      if (!isShown(form.getValues(name), value))
        form.setValue(name, structuredClone(value) as PathValue<F, Path<F>>, { shouldDirty: true })
    }
    isFilling.current = false
  }, [form, editor.record, editor.base, editor.values])

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

const KEPT = { keepTouched: true, keepError: true } as const

/** One of the form's inputs is in this element. */
function isOf<F extends FieldValues>({ control }: UseFormReturn<F>, element: HTMLFormElement): boolean {
  return [...control._names.mount].some((name) => {
    const { _f: field } = (get(control._fields, name) ?? {}) as Partial<Field>
    const input = (field?.refs?.[0] ?? field?.ref) as { form?: unknown } | undefined
    return input?.form === element
  })
}

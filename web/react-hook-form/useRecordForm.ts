// Ties a react-hook-form to an open record. The record's editor stays the truth: what is typed goes to it field by field,
// and what changes there (a quiet reload, a merge, restored edits) goes into the form, and touches no other field.
// Nested values and field arrays belong to the record's field that they begin with.

import { useEffect, useRef } from 'react'
import type { FieldValues, Path, PathValue, UseFormReturn } from 'react-hook-form'
import { isSame } from '../client/base/values.ts'

/** The part of `useRecordEditor` that a form needs. */
export interface RecordFormEditor<F extends object> {
  record: unknown
  values: Partial<F>
  errors: Partial<Record<keyof F & string, string>>
  change<K extends keyof F & string>(name: K, value: F[K]): void
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

  useEffect(
    () =>
      form.subscribe({
        formState: { values: true },
        callback({ values }) {
          if (isFilling.current || !latest.current.record) return
          const { values: known, change } = latest.current
          for (const [field, value] of Object.entries(values))
            if (field in known && !isSame(value, known[field])) change(field, structuredClone(value))
        },
      }),
    [form],
  )

  useEffect(() => {
    if (!editor.record) return
    isFilling.current = true
    const shown = form.getValues()
    for (const [field, value] of Object.entries(editor.values)) {
      if (isSame(shown[field], value)) continue
      form.setValue(field as Path<F>, structuredClone(value) as PathValue<F, Path<F>>)
    }
    isFilling.current = false
  }, [form, editor.record, editor.values])

  useEffect(() => {
    for (const [field, message] of Object.entries(editor.errors))
      form.setError(field as Path<F>, { type: 'server', message: String(message) })
  }, [form, editor.errors])
}

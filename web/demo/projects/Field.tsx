// One labelled control: text, long text, a choice, a day, an amount; with its hint, its error, and a mark while it
// differs from what is saved.
import { FieldPresence, type RecordEditor } from 'noclobber/react'
import { useId } from 'react'
import type { ProjectFields } from '../base/records.ts'
import { WORDS } from '../base/words.ts'

interface FieldProps {
  editor: RecordEditor<ProjectFields>
  name: keyof ProjectFields
  isReader: boolean
  userId: string | null
  /** Sixths of the form's width. */
  span: 2 | 6
  /** The whole width on a phone, where two fields of `span` 2 share a line. */
  isWide?: boolean
  as?: 'text' | 'date' | 'number'
  isLong?: boolean
  hint?: string
  options?: readonly string[]
  words?: Record<string, string>
}

export const Field = (props: FieldProps) => {
  const { editor, name, isReader, userId, span, isWide, as = 'text', isLong, hint, options, words } = props
  const id = useId()
  const error = editor.errors[name]
  const isEdited = editor.dirtyFields.includes(name)
  const isKept = editor.kept !== null && name in editor.kept && !isReader
  const notes = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(' ')
  const control = {
    ...editor.field(name, { as: options ? 'select' : as }),
    id,
    className: 'input',
    'data-edited': isEdited ? '' : undefined,
    'aria-describedby': notes || undefined,
  }
  return (
    <div className={`field span-${span}${isWide ? ' lone' : ''}`}>
      <div className="field-head">
        <label htmlFor={id}>{WORDS.fields[name]}</label>
        <FieldPresence type={editor.type} id={editor.id} field={name} userId={userId} />
        {isKept && (
          <button type="button" className="field-restore" onClick={() => editor.restore([name])}>
            {WORDS.restoreField}
          </button>
        )}
        {isEdited && <span className="field-edited">{WORDS.editor.edited}</span>}
      </div>
      {options ? (
        <select {...control} disabled={isReader || control.disabled}>
          {options.map((option) => (
            <option key={option} value={option}>
              {words?.[option] ?? option}
            </option>
          ))}
        </select>
      ) : isLong ? (
        <textarea {...control} readOnly={isReader || control.readOnly} rows={3} />
      ) : (
        <input
          {...control}
          type={as === 'date' ? 'date' : 'text'}
          readOnly={isReader || control.readOnly}
          inputMode={as === 'number' ? 'decimal' : undefined}
        />
      )}
      {error && (
        <p id={`${id}-error`} className="field-error" role="alert">
          {error}
        </p>
      )}
      {hint && (
        <p id={`${id}-hint`} className="field-hint">
          {hint}
        </p>
      )}
    </div>
  )
}

// The import button and its dialog: choose or drop a file, preview the result, import. Escape cancels a running import, and
// closes the dialog when none runs.
import { UndoImport } from 'noclobber/history'
import { type DragEvent, type ReactNode, useEffect, useRef, useState } from 'react'
import { ImportRowErrors } from './ImportRowErrors.tsx'
import { EXAMPLES, IMPORT_WORDS, type ImportedType } from './import-words.ts'
import { type ImportState, useImport } from './useImport.ts'

const words = IMPORT_WORDS

/** The column by which rows find their records; `none`: every row creates one. */
type Key = keyof typeof words.keys
const KEYS: Record<ImportedType, Key[]> = { project: ['none', 'number', 'id'], task: ['none', 'id'] }
const ACCEPTED = '.csv,.ndjson,.jsonl,text/csv,application/x-ndjson'

const Choose = ({
  type,
  onFile,
}: {
  type: ImportedType
  onFile: (file: File, key: string | null) => void
}) => {
  const [key, setKey] = useState<Key>('none')
  const [isOver, setOver] = useState(false)
  const take = (file: File | undefined) => file && onFile(file, key === 'none' ? null : key)
  const drop = (event: DragEvent) => {
    event.preventDefault()
    setOver(false)
    take(event.dataTransfer.files[0])
  }
  return (
    <>
      <div className="field">
        <label htmlFor="import-key">{words.key}</label>
        <select
          id="import-key"
          className="input"
          value={key}
          onChange={({ target }) => setKey(target.value as Key)}
        >
          {KEYS[type].map((choice) => (
            <option key={choice} value={choice}>
              {words.keys[choice][type]}
            </option>
          ))}
        </select>
        {key !== 'none' && <p className="field-hint">{words.versions}</p>}
      </div>
      <label
        className="import-drop"
        data-over={isOver || undefined}
        onDragOver={(event) => {
          event.preventDefault()
          setOver(true)
        }}
        onDragLeave={() => setOver(false)}
        onDrop={drop}
      >
        <input
          type="file"
          className="visually-hidden"
          accept={ACCEPTED}
          data-first
          onChange={({ target }) => take(target.files?.[0])}
        />
        <span className="button">{words.choose}</span>
        <span>{words.drop}</span>
      </label>
      <p>
        {words.checkFirst}{' '}
        <a
          download={`${type}s.csv`}
          href={`data:text/csv;charset=utf-8,${encodeURIComponent(EXAMPLES[type])}`}
        >
          {words.example}
        </a>
      </p>
    </>
  )
}

const Running = ({ progress, share }: Extract<ImportState, { step: 'running' }>) => (
  <div className="import-running">
    <progress aria-label={words.bar} max={1} {...(share !== null && { value: share })} />
    <p className="figures">{progress ? words.progress(progress) : words.starting}</p>
  </div>
)

/** The one sentence of each step, which is also read out. */
const sentenceOf = (state: ImportState): string => {
  switch (state.step) {
    case 'choose':
      return ''
    case 'running':
      return (state.isDryRun ? words.checking : words.importing)(state.chosen.file.name)
    case 'checked':
      return state.answer.rows === 0 ? words.nothing : words.checked(state.answer)
    case 'done':
      return words.done(state.answer)
    case 'refused':
      return words.refused(state.problem.invalid, state.problem.rows)
    case 'stopped':
      return state.text
  }
}

interface ImportProps {
  type: ImportedType
  /** For pages that aren't live. */
  onImported?: () => void
}

const Dialog = ({ type, onImported, onClose }: ImportProps & { onClose: () => void }) => {
  const { state, check, write, again, cancel, reset } = useImport(type)
  const dialog = useRef<HTMLDialogElement>(null)
  const close = () => dialog.current?.close()

  useEffect(() => {
    if (!dialog.current?.open) dialog.current?.showModal()
  }, [])
  useEffect(() => {
    dialog.current?.querySelector<HTMLElement>('[data-first]')?.focus()
  }, [state.step])
  useEffect(() => {
    if (state.step === 'done') onImported?.()
  }, [state.step, onImported])

  const button = (text: string, onClick: () => void, isFirst = false): ReactNode => (
    <button
      type="button"
      className={isFirst ? 'button button-primary' : 'button'}
      data-first={isFirst || undefined}
      onClick={onClick}
    >
      {text}
    </button>
  )
  const actions = (): ReactNode => {
    switch (state.step) {
      case 'choose':
        return button(words.cancel, close)
      case 'running':
        return (
          <button type="button" className="button" data-first onClick={cancel}>
            {words.cancel}
          </button>
        )
      case 'checked':
        if (state.answer.rows === 0) return button(words.other, reset, true)
        return (
          <>
            {button(words.other, reset)}
            {button(words.import(state.answer.rows), () => void write(state.chosen), true)}
          </>
        )
      case 'done':
        return (
          <>
            {button(words.more, reset)}
            {button(words.close, close, true)}
          </>
        )
      case 'refused':
        return (
          <>
            {button(words.close, close)}
            {button(words.other, reset, true)}
          </>
        )
      case 'stopped':
        return (
          <>
            {button(words.other, reset, !state.mayTryAgain)}
            {state.mayTryAgain && button(words.retry, () => void again(state.chosen, state.isDryRun), true)}
          </>
        )
    }
  }

  return (
    <dialog
      ref={dialog}
      className="dialog import-dialog"
      aria-labelledby="import-title"
      onCancel={(event) => {
        if (state.step !== 'running' || event.target !== dialog.current) return
        event.preventDefault()
        cancel()
      }}
      onClose={onClose}
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => event.preventDefault()}
    >
      <h2 id="import-title">{words.title[type]}</h2>
      <p className="import-sentence" role="status">
        {sentenceOf(state)}
      </p>
      {state.step === 'choose' && <Choose type={type} onFile={(file, key) => void check(file, key)} />}
      {state.step === 'running' && <Running {...state} />}
      {state.step === 'refused' && <ImportRowErrors problem={state.problem} />}
      {state.step === 'done' && (
        <>
          <p>{words.doneHint}</p>
          <UndoImport type={type} importId={state.answer.import_id} />
        </>
      )}
      {state.step === 'stopped' && state.mayTryAgain && !state.isDryRun && <p>{words.retryHint}</p>}
      <div className="dialog-actions">{actions()}</div>
    </dialog>
  )
}

/** The button, and its dialog while that is open. */
export const ImportButton = (props: ImportProps) => {
  const [isOpen, setOpen] = useState(false)
  return (
    <>
      <button type="button" className="button import-open" onClick={() => setOpen(true)}>
        {words.open}
      </button>
      {isOpen && <Dialog {...props} onClose={() => setOpen(false)} />}
    </>
  )
}

// The editor's form, with one control for each kind of field. Invariant: a value is shown and changed through the
// editor alone, so what the library promises about typed text holds for every field here.

import { Suggestions, useSaveOrPropose } from 'noclobber/history'
import {
  ConflictDialog,
  PresenceBar,
  type RecordEditor,
  TakeOverBar,
  TimeAgo,
  UpdateBanner,
} from 'noclobber/react'
import type { ReactNode } from 'react'
import { formatMoney } from '../base/format.ts'
import { Badge, writerName } from '../base/Parts.tsx'
import { PROJECT_STATUSES, type Project, type ProjectFields } from '../base/records.ts'
import { useSession } from '../base/session.ts'
import { WORDS } from '../base/words.ts'
import { DeleteButton } from './DeleteButton.tsx'
import { Field } from './Field.tsx'

interface ProjectFormProps {
  editor: RecordEditor<ProjectFields>
  isReader: boolean
}

const Title = ({ record: { fields }, children }: { record: Project; children: ReactNode }) => (
  <div className="project-title">
    <h1>{fields.name}</h1>
    <Badge tone={fields.status}>{WORDS.statuses[fields.status]}</Badge>
    <span className="soft figures">{fields.number}</span>
    {children}
  </div>
)

/** The line that the banner lies over when there is one. */
const Head = ({ record }: { record: Project | null }) => (
  <div className="card-head form-head">
    <h2>{WORDS.editor.details}</h2>
    {record && (
      <span className="soft figures">
        {`${WORDS.editor.version(record.version)} · ${writerName(record.updated_by)}, `}
        <TimeAgo at={record.updated_at} />
      </span>
    )}
  </div>
)

type Proposing = ReturnType<typeof useSaveOrPropose>

const Foot = ({ editor, proposing }: { editor: RecordEditor<ProjectFields>; proposing: Proposing }) => {
  const words = WORDS.editor
  const { kind, button, label, note, setNote } = proposing
  const isProposing = kind === 'propose'
  return (
    <div className="form-foot">
      {editor.isNew ? (
        <p className="soft">{words.notCreated}</p>
      ) : (
        <>
          {!isProposing && <DeleteButton editor={editor} />}
          <p className="soft">{editor.isDirty ? words.unsaved(editor.dirtyFields.length) : words.allSaved}</p>
        </>
      )}
      {editor.canUndo && (
        <button type="button" className="button button-quiet" onClick={editor.undo}>
          {words.undo}
        </button>
      )}
      {editor.isDirty && (
        <button
          type="button"
          className="button button-quiet"
          onClick={editor.revert}
          disabled={!editor.canSave}
        >
          {words.revert}
        </button>
      )}
      {isProposing && (
        <input
          className="input propose-note"
          aria-label={words.why}
          placeholder={words.why}
          maxLength={2000}
          value={note}
          onChange={({ target }) => setNote(target.value)}
        />
      )}
      <button {...button} className="button button-primary">
        {isProposing ? label : editor.isSaving ? words.saving : editor.isNew ? words.create : words.save}
      </button>
    </div>
  )
}

export const ProjectForm = ({ editor, isReader }: ProjectFormProps) => {
  const session = useSession()
  const ownId = session.status === 'signed_in' ? session.person.id : null
  const field = { editor, isReader, userId: ownId }
  const { record } = editor
  const proposing = useSaveOrPropose(editor)
  return (
    <>
      {record ? (
        <Title record={record}>
          <PresenceBar editor={editor} userId={ownId} />
          <TakeOverBar editor={editor} userId={ownId} canAsk={!isReader} />
        </Title>
      ) : (
        <div className="project-title">
          <h1>{WORDS.projects.newTitle}</h1>
        </div>
      )}
      {record && <Suggestions editor={editor} />}
      <form className="card form" aria-label={WORDS.editor.form} {...proposing.form}>
        <UpdateBanner editor={editor} />
        <ConflictDialog editor={editor} />
        <Head record={record} />
        {isReader && <p className="form-note">{WORDS.editor.readOnly}</p>}
        {proposing.kind === 'propose' && <p className="form-note">{WORDS.editor.mayPropose}</p>}
        <div className="form-grid">
          <Field {...field} name="name" span={6} />
          <Field {...field} name="number" span={2} />
          <Field {...field} name="status" span={2} options={PROJECT_STATUSES} words={WORDS.statuses} />
          <Field {...field} name="client" span={2} isWide />
          <Field {...field} name="starts_on" span={2} as="date" />
          <Field {...field} name="ends_on" span={2} as="date" />
          <Field
            {...field}
            name="budget"
            span={2}
            isWide
            as="number"
            hint={formatMoney(editor.values.budget ?? null)}
          />
          <Field {...field} name="description" span={6} isLong />
          <Field {...field} name="notes" span={6} isLong hint={WORDS.hints.notes} />
        </div>
        {!isReader && <Foot editor={editor} proposing={proposing} />}
      </form>
    </>
  )
}

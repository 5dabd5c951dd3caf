// One project: the form with its banner, tasks and comments below, history beside it, and what happens underneath.
// The editor's state is the library's; this page only places it.

import { type Banner, newRecordId } from 'noclobber/client'
import { RecordHistory } from 'noclobber/history'
import { UpdateBanner, useRecordEditor } from 'noclobber/react'
import { useEffect, useState } from 'react'
import { LeaveDialog } from '../base/LeaveDialog.tsx'
import { MissingPage } from '../base/MissingPage.tsx'
import { ofBrowser } from '../base/memory.ts'
import { Skeleton } from '../base/Parts.tsx'
import { type ProjectFields, projectAddress } from '../base/records.ts'
import { asPerson, navigate, rename } from '../base/router.ts'
import type { Person } from '../base/session.ts'
import { WORDS } from '../base/words.ts'
import { Header } from '../panels/Header.tsx'
import { Underneath } from '../panels/Underneath.tsx'
import { Tasks } from '../tasks/Tasks.tsx'
import { Comments } from './Comments.tsx'
import { ProjectForm } from './ProjectForm.tsx'

/** The edits live on in the new project, so nothing is left to ask about. */
const showRecreated = ({ id }: { id: string }) => navigate(projectAddress(id))

/** The form of the new project goes on as that project's, and the next new one is another. */
const showCreated = ({ id }: { id: string }) => {
  if (location.pathname === '/projects/new') ofBrowser.remove(DRAFT)
  rename(projectAddress(id))
}

const DRAFT = 'noclobber-demo-new-project'

/** The key of the draft at "New project": the same until that was asked to be created. */
function draftKeyNow(): string {
  const key = ofBrowser.get(DRAFT) ?? crypto.randomUUID()
  ofBrowser.set(DRAFT, key)
  return key
}

const INITIAL: Partial<ProjectFields> = { status: 'planned' }

const isNarrow = () => matchMedia('(max-width: 1240px)').matches

const sentenceOf = (banner: Banner | null): string | undefined =>
  banner?.parts.map(({ text }) => text).join('')

/** `id` is `null` for a new one. */
export const ProjectPage = ({ id, person }: { id: string | null; person: Person }) => {
  const [draftKey] = useState(() => (id === null ? draftKeyNow() : ''))
  const editor = useRecordEditor<ProjectFields>('project', id, {
    draftKey,
    initial: INITIAL,
    onCreated: showCreated,
    onRecreated: showRecreated,
  })
  const [isOpen, setOpen] = useState(() => asPerson === null && !isNarrow())
  const { record, status } = editor
  const name = editor.isNew ? WORDS.projects.newTitle : (record?.fields.name ?? null)

  useEffect(() => {
    document.title = WORDS.page.title(name ?? WORDS.projects.title)
  }, [name])

  const isUnsent = editor.isNew && status === 'offline'
  useEffect(() => {
    if (isUnsent && id === null) showCreated({ id: newRecordId({ draftKey }) })
  }, [isUnsent, id, draftKey])

  const isMissing = status === 'forbidden' || status === 'gone'
  if (!record && isMissing && !editor.isDirty) {
    return (
      <>
        <Header person={person} place={WORDS.missing.title} />
        <main id="content">
          <MissingPage text={status === 'gone' ? sentenceOf(editor.banner) : WORDS.missing.record} />
        </main>
      </>
    )
  }
  return (
    <>
      <Header person={person} place={name ?? '…'}>
        <button
          type="button"
          className="button underneath-toggle"
          aria-expanded={isOpen}
          onClick={() => setOpen(!isOpen)}
        >
          {WORDS.underneath.open}
        </button>
      </Header>
      <main id="content" className="page project" data-underneath={isOpen ? 'open' : 'closed'}>
        <LeaveDialog isDirty={editor.isDirty} />
        <div className="project-main">
          {record || (editor.isNew && status !== 'loading') ? (
            <ProjectForm editor={editor} isReader={person.role === 'reader'} />
          ) : (
            <div className="card form">
              <UpdateBanner editor={editor} />
              <Skeleton lines={14} label={WORDS.editor.loading} />
            </div>
          )}
          {(!editor.isNew || id !== null) && <Tasks projectId={editor.isNew ? (id ?? '') : editor.id} />}
          {!editor.isNew && <Comments projectId={editor.id} isReader={person.role !== 'editor'} />}
        </div>
        {record && (
          <aside className="card history" aria-label={WORDS.history.title}>
            <div className="card-head">
              <h2>{WORDS.history.title}</h2>
            </div>
            <RecordHistory editor={editor} className="history-parts" />
          </aside>
        )}
        <Underneath
          id={editor.id}
          person={person}
          version={record?.version ?? null}
          isOpen={isOpen}
          onToggle={setOpen}
        />
      </main>
    </>
  )
}

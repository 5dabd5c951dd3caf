// All projects in one live table: filter, status, sort. Sorting and filtering happen here, on what the list holds.
import { ListBar, useLiveList } from 'noclobber/react'
import { useEffect, useMemo, useState } from 'react'
import { ChangedLink, useSeen } from '../base/ChangedLink.tsx'
import { Link, Sentence } from '../base/Parts.tsx'
import { PROJECT_STATUSES, type Project, type ProjectFields, type ProjectStatus } from '../base/records.ts'
import type { Person } from '../base/session.ts'
import { Toolbar } from '../base/Toolbar.tsx'
import { WORDS } from '../base/words.ts'
import { ImportButton } from '../import/ImportDialog.tsx'
import { ImportingLine } from '../import/ImportingLine.tsx'
import { Header } from '../panels/Header.tsx'
import { Lost } from '../panels/Lost.tsx'
import { TASK_WORDS } from '../tasks/task-words.ts'
import { DeletedProjects } from './DeletedProjects.tsx'
import { OpenProjectSuggestions } from './OpenProjectSuggestions.tsx'
import { ProjectTable, type SortColumn, sortProjects } from './ProjectTable.tsx'

const CHOICES = [
  [null, WORDS.projects.allStatuses],
  ...PROJECT_STATUSES.map((status) => [status, WORDS.statuses[status]] as const),
] as const

const matches = (project: Project, text: string, status: ProjectStatus | null): boolean => {
  if (status !== null && project.fields.status !== status) return false
  const { name, number, client } = project.fields
  return `${name} ${number} ${client}`.toLowerCase().includes(text.trim().toLowerCase())
}

export const ProjectsPage = ({ person }: { person: Person }) => {
  const projects = useLiveList<ProjectFields>('project')
  const [text, setText] = useState('')
  const [status, setStatus] = useState<ProjectStatus | null>(null)
  const [sort, setSort] = useState<SortColumn>({ column: 'name', descending: false })
  const words = WORDS.projects
  useSeen('project')

  useEffect(() => {
    document.title = WORDS.page.title(words.title)
  }, [words.title])

  const shown = useMemo(
    () =>
      projects.status === 'ready'
        ? sortProjects(
            projects.rows.filter((project) => matches(project, text, status)),
            sort,
          )
        : null,
    [projects.status, projects.rows, text, status, sort],
  )
  const clear = () => {
    setText('')
    setStatus(null)
  }

  return (
    <>
      <Header person={person} />
      <main id="content" className="page page-list">
        <div className="project-title">
          <h1>{words.title}</h1>
          <span className="title-links">
            <ChangedLink type="task" to="/tasks" className="button">
              {TASK_WORDS.link}
            </ChangedLink>
            <ChangedLink type="part" to="/parts" className="button">
              {words.parts}
            </ChangedLink>
          </span>
          {person.role === 'editor' && (
            <>
              <ImportButton type="project" onImported={projects.reload} />
              <Link to="/projects/new" className="button button-primary">
                {words.new}
              </Link>
            </>
          )}
        </div>
        <Toolbar
          {...{ text, onText: setText, chosen: status, onChoose: setStatus }}
          label={words.filter}
          hint={words.filterHint}
          choices={CHOICES}
        >
          {shown && words.count(shown.length, projects.rows.length)}
        </Toolbar>
        <ImportingLine type="project" />
        <Lost />
        <OpenProjectSuggestions person={person} />
        <ListBar list={projects} />
        <div className="card">
          {projects.status === 'failed' ? (
            <Sentence text={words.failed} action={words.retry} onAction={projects.reload} />
          ) : shown?.length === 0 ? (
            projects.isEmpty ? (
              <Sentence text={words.empty} />
            ) : (
              <Sentence text={words.none} action={words.clear} onAction={clear} />
            )
          ) : (
            <ProjectTable
              projects={shown}
              highlighted={projects.highlighted}
              unsent={projects.unsent}
              sort={sort}
              onSort={setSort}
            />
          )}
        </div>
        <DeletedProjects />
      </main>
    </>
  )
}

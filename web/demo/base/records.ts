// The demo's records as the browser sees them.
import { type ClientReadOutcome, isNewRecord, newRecordId } from 'noclobber/client'

/** A record as the client's reads answer it. */
type Shown<F extends object> = Extract<ClientReadOutcome<F>, { outcome: 'found' }>['record']

/** Who wrote a version. */
export type Writer = NonNullable<Shown<object>['updated_by']>

export type ProjectStatus = 'planned' | 'active' | 'on_hold' | 'done'

export type ProjectFields = {
  name: string
  number: string
  client: string
  status: ProjectStatus
  starts_on: string | null
  ends_on: string | null
  budget: number | null
  description: string
  notes: string
}

export type TaskFields = {
  project_id: string | number
  title: string
  status: 'todo' | 'in_progress' | 'review' | 'done'
  assignee: string | null
  priority: 'low' | 'normal' | 'high' | 'urgent'
  due_on: string | null
  estimate_hours: number | null
}

export type PartFields = {
  code: string
  name: string
  supplier: string
  stock: number
  price: number
}

export type CommentFields = { project_id: string | number; body: string }

export type Project = Shown<ProjectFields>
export type Task = Shown<TaskFields>
export type Part = Shown<PartFields>
export type Comment = Shown<CommentFields>

export const PROJECT_STATUSES: readonly ProjectStatus[] = ['planned', 'active', 'on_hold', 'done']

const NEW = 'new-'

/** A project's page; of one that isn't on the server, by the key of its draft. */
export const projectAddress = (id: string): string =>
  `/projects/${isNewRecord(id) ? NEW + id.slice(1) : encodeURIComponent(id)}`

/** Which project an address is of; `null` for the form of a new one. */
export const projectOfAddress = (part: string): string | null => {
  if (part === 'new') return null
  return part.startsWith(NEW) ? newRecordId({ draftKey: part.slice(NEW.length) }) : decodeURIComponent(part)
}

// The demo's records as the browser sees them.
import type { ClientReadOutcome } from 'noclobber/client'

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

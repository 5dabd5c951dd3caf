// Access to projects that was revoked in the demo, to show what happens to an open page. Held in memory by this process.
// Invariant: only an editor of the same tenant revokes and restores access.
import express, { Router } from 'express'
import type { RecordServer } from 'noclobber/server'
import { type Person, personById } from './people.ts'
import { refuse, sameOrigin } from './problem.ts'
import { isEditor, personOf } from './sessions.ts'

/** Ids of projects, by person. */
const closed = new Map<string, Set<string>>()

/** Asked of somebody to whom nothing is closed, it doesn't look at the project: they hold for every one. */
export const isClosed = (person: Person, project: { id: string }): boolean =>
  closed.get(person.onBehalfOf?.id ?? person.id)?.has(project.id) ?? false

/** `POST /demo/access {"user":"alice","project":"1","open":false}` closes a project to a colleague; `true` opens it. */
export const accessRoutes = (records: RecordServer): Router => {
  const routes = Router()
  routes.post('/access', sameOrigin, express.json(), async (request, response) => {
    const person = personOf(request)
    if (!isEditor(person, response)) return
    const { user, project, open } = request.body ?? {}
    const colleague = personById(user)
    if (!colleague || !/^[1-9]\d{0,8}$/.test(project) || typeof open !== 'boolean') {
      const detail = 'Give a user, the id of a project, and whether it is open to them.'
      return refuse(response, 400, 'malformed', 'Not understood', detail)
    }
    if (person.tenantId !== colleague.tenantId) {
      const detail = 'Only editors of their own office decide what somebody sees.'
      return refuse(response, 403, 'forbidden', 'Not allowed', detail)
    }
    const theirs = closed.get(colleague.id) ?? new Set<string>()
    if (open) theirs.delete(project)
    else theirs.add(project)
    if (theirs.size > 0) closed.set(colleague.id, theirs)
    else closed.delete(colleague.id)
    const { id: userId, tenantId } = colleague
    if (!open) await records.revoke({ userId, tenantId, type: 'project', id: project })
    response.json({ data: { user: colleague.id, closed: [...theirs] } })
  })
  return routes
}

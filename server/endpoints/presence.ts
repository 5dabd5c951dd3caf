// POST /records/:type/:id/presence and …/take-over: what a tab does at a record, and says to a person who edits it, for tabs
// without a socket: on an event stream, or polling.
// Invariant: as with a socket, nobody learns of a record that they may not read, and no save looks at it.
import type { Router } from 'router'
import { problem, refuse } from '../base/problems.ts'
import type { Actor } from '../base/record-type.ts'
import { bodyOf, originOf } from '../http/request-parameters.ts'
import { sendData, sendEmpty, sendProblem } from '../http/responses.ts'
import { type Handler, handle, type RouteOptions } from '../http/route-handler.ts'
import { readPresenceMessage, readTakeOverMessage } from '../live/client-messages.ts'
import type { RecordNode } from '../node/node.ts'
import { HEADERS } from '../protocol/index.ts'

export interface PresenceOptions extends RouteOptions {
  node: Pick<RecordNode, 'announce' | 'takeOver'>
  isLive(actor: Actor): boolean
}

/** Takes in what a tab does. */
export const presenceHandler =
  ({ database, node, isLive }: PresenceOptions): Handler =>
  async (request, response, actor) => {
    if (!isLive(actor)) return sendProblem(response, problem('live_off'))
    const { type, id } = request.params
    const message = readPresenceMessage({ ...bodyOf(request), type, id })
    if (!message) return refuse('malformed', 'state must be viewing, editing, idle, or null for gone.')
    const { tabId } = originOf(request)
    if (tabId === undefined) return refuse('malformed', `${HEADERS.tabId} must name the tab that is there.`)
    await database.ready(undefined, actor.tenantId)
    const answer = await node.announce(actor, tabId, message)
    if (typeof answer === 'string') return sendProblem(response, problem(answer))
    sendData(response, { data: { people: answer.people } })
  }

/** Passes on what a tab says to another person. */
export const takeOverHandler =
  ({ database, node, isLive }: PresenceOptions): Handler =>
  async (request, response, actor) => {
    if (!isLive(actor)) return sendProblem(response, problem('live_off'))
    const message = readTakeOverMessage({ ...bodyOf(request), ...request.params })
    if (!message)
      return refuse('malformed', 'to must be the id of a person; say ask, handed_over or not_now.')
    const { tabId } = originOf(request)
    if (tabId === undefined) return refuse('malformed', `${HEADERS.tabId} must name the tab that is there.`)
    await database.ready(undefined, actor.tenantId)
    const code = await node.takeOver(actor, tabId, message)
    if (code) sendProblem(response, problem(code))
    else sendEmpty(response, 204)
  }

export const addPresenceRoutes = (router: Router, presence: Handler, takeOver: Handler): void => {
  router.post('/records/:type/:id/presence', handle(presence))
  router.post('/records/:type/:id/take-over', handle(takeOver))
}

// The routes of proposals: propose, list, accept, reject.
import type { Router } from 'router'
import { refuse } from '../base/problems.ts'
import type { Request } from '../base/request.ts'
import { inRequest } from '../base/tracing.ts'
import { storageError } from '../db/value-codec.ts'
import {
  type Body,
  bodyOf,
  clientVersionOf,
  mutationIdOf,
  namesIn,
  objectIn,
  originOf,
  queryNumber,
  queryText,
} from '../http/request-parameters.ts'
import { etagOf, sendData, sendPage, sendProblem } from '../http/responses.ts'
import { type Handler, handle, type RouteOptions } from '../http/route-handler.ts'
import { acceptProposal, proposeChanges, rejectProposal } from '../operations/traced-writes.ts'
import { readOpenProposals } from '../proposals/open-proposals.ts'
import { readProposals } from '../proposals/propose.ts'
import { isProposalId } from '../proposals/stored-proposals.ts'
import { MAX_NOTE_CHARS, type ProposalState } from '../protocol/index.ts'

const STATES: readonly string[] = ['open', 'accepted', 'rejected'] satisfies ProposalState[]

const noteIn = (body: Body): string | undefined => {
  const note = Object.hasOwn(body, 'note') ? body.note : undefined
  if (note === undefined || note === null) return undefined
  if (typeof note === 'string' && note.length <= MAX_NOTE_CHARS && !storageError(note)) return note
  return refuse('malformed', `note must be a text of at most ${MAX_NOTE_CHARS} characters.`)
}

const proposalIn = ({ params }: Request) => (params as { proposal?: string }).proposal ?? ''

/** What each route of proposals does. */
export const proposalHandlers = ({ database, wake }: RouteOptions) => {
  const propose: Handler = async (request, response, actor) => {
    const body = bodyOf(request)
    const made = await inRequest(request, () =>
      proposeChanges(database, request.params.type, request.params.id, {
        actor,
        ...clientVersionOf(request, body),
        changes: objectIn(body, 'changes'),
        note: noteIn(body),
        mutationId: mutationIdOf(request, body),
        ...originOf(request),
      }),
    )
    if (made.outcome !== 'proposed') return sendProblem(response, made.problem)
    sendData(response, { data: made.proposal }, { status: 201 })
  }

  const proposals: Handler = async (request, response, actor) => {
    const state = queryText(request, 'state')
    const after = queryText(request, 'after')
    if (state !== undefined && !STATES.includes(state))
      return refuse('malformed', `state must be one of ${STATES.join(', ')}.`)
    if (after !== undefined && !isProposalId(after))
      return refuse('malformed', 'after must be what next gave.')
    const query = { state: state as ProposalState | undefined, after }
    const found = await readProposals(database, { actor, ...request.params }, query)
    if (found.outcome !== 'found') return sendProblem(response, found.problem)
    sendData(response, { data: found.proposals, next: found.next, may: found.may })
  }

  const openProposals: Handler = async (request, response, actor) => {
    const mine = queryText(request, 'mine')
    if (mine !== undefined && mine !== 'true' && mine !== 'false')
      return refuse('malformed', 'mine must be true or false.')
    const query = {
      mine: mine === 'true',
      limit: queryNumber(request, 'limit', 50, 200),
      after: queryText(request, 'after'),
    }
    const found = await readOpenProposals(database, { actor, type: request.params.type }, query)
    if (found.outcome !== 'found') return sendProblem(response, found.problem)
    await sendPage(response, { data: found.proposals, next: found.next })
  }

  const accept: Handler = async (request, response, actor) => {
    const body = bodyOf(request)
    const accepted = await inRequest(request, () =>
      acceptProposal(database, request.params.type, request.params.id, proposalIn(request), {
        actor,
        ...clientVersionOf(request, body),
        fields: namesIn(body, 'fields'),
        edited: Object.hasOwn(body, 'edited') ? objectIn(body, 'edited') : undefined,
        mutationId: mutationIdOf(request, body),
        ...originOf(request),
      }),
    )
    if (accepted.outcome !== 'saved') return sendProblem(response, accepted.problem)
    wake()
    const { record } = accepted
    sendData(response, { data: record }, { headers: { ETag: etagOf(record.version) } })
  }

  const reject: Handler = async (request, response, actor) => {
    const body = bodyOf(request, { optional: true })
    const rejected = await inRequest(request, () =>
      rejectProposal(database, request.params.type, request.params.id, proposalIn(request), {
        actor,
        mutationId: mutationIdOf(request, body),
        ...originOf(request),
      }),
    )
    if (rejected.outcome !== 'rejected') return sendProblem(response, rejected.problem)
    sendData(response, { data: rejected.proposal })
  }
  return { propose, proposals, openProposals, accept, reject }
}

export const addProposalRoutes = (
  router: Router,
  { propose, proposals, openProposals, accept, reject }: ReturnType<typeof proposalHandlers>,
): void => {
  router.route('/records/:type/:id/proposals').get(handle(proposals)).post(handle(propose))
  router.get('/proposals/:type', handle(openProposals))
  router.post('/records/:type/:id/proposals/:proposal/accept', handle(accept))
  router.post('/records/:type/:id/proposals/:proposal/reject', handle(reject))
}

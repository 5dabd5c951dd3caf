// GET /changes: the change feed over HTTP, a page at once or a long poll.
// Invariant: a held request costs no query until this node's own feed has read a change for it, and before it
// answers, the sign-in is looked at again. Those who are woken together are answered in turns, whosever they are, and by
// one read of the log where they stand at one cursor.
import type { Router } from 'router'
import { type OpenRequest, openOf } from '../base/open-requests.ts'
import { refuse } from '../base/problems.ts'
import type { Actor } from '../base/record-type.ts'
import { queryNumber, queryText } from '../http/request-parameters.ts'
import { sendData } from '../http/responses.ts'
import { handle, type RouteOptions } from '../http/route-handler.ts'
import type { ChangeWaiters } from '../log/change-waiters.ts'
import type { Cursor } from '../log/cursor.ts'
import { firstCursor, presentCursor, readLog } from '../log/read-log.ts'
import type { AnswerBudget } from '../pacing/large-answers.ts'
import { refuseSlowly } from '../pacing/refuse-slowly.ts'
import type { Turns } from '../pacing/turns.ts'
import { MAX_WAIT_S } from '../protocol/index.ts'
import { type ChangesQuery, changesAfter, matchingType, toAnswer } from '../queries/change-feed.ts'
import { createSharedLogReads } from '../queries/shared-log-reads.ts'
import type { Database } from '../tables/database.ts'

export interface ChangeRouteOptions extends RouteOptions {
  changeWaiters: ChangeWaiters
  turns: Turns
  /** Makes sure that the node's feed runs: it wakes who waits. */
  follow(): void
}

const MAX_LIMIT = 1_000

/** A request while it is held. */
interface Held {
  open: OpenRequest
  /** How long it may be held. */
  ms: number
  budget: AnswerBudget
}

const typesOf = (database: Database, actor: Actor, text: string | undefined): string[] => {
  if (text === undefined) return []
  const types = text.split(',')
  const unknown = types.find((name) => !database.typeOf(name, actor.tenantId))
  return unknown === undefined
    ? types
    : refuse('malformed', `type: there is no type ${unknown.slice(0, 100)}.`)
}

const cursorOf = (database: Database, text: string | undefined): Promise<Cursor> | Cursor => {
  if (text === undefined) return presentCursor(database)
  if (text === 'start') return firstCursor(database)
  return (
    database.cursors.decode(text) ?? refuse('malformed', 'cursor must be what an answer gave, or "start".')
  )
}

export const addChangeRoutes = (router: Router, options: ChangeRouteOptions): void => {
  const { database, changeWaiters, turns, follow } = options
  const sharedReads = createSharedLogReads((...page) => readLog(database, ...page), changeWaiters.moment)

  /**
   * A page with something in it, or what there is when the time is up.
   *
   * @throws Refusal where the sign-in has ended meanwhile.
   */
  const waitFor = async (held: Held, cursor: Cursor, query: ChangesQuery) => {
    const { open } = held
    const ear = changeWaiters.listen(
      open.actor.tenantId,
      (change) => matchingType(database, open.actor, query.types, change) !== undefined,
    )
    open.onRevoked(ear.wake)
    const until = performance.now() + held.ms
    try {
      let page = await turns.long.run(open.actor, () =>
        changesAfter(database, open.actor, cursor, query, held.budget),
      )
      for (;;) {
        const left = until - performance.now()
        const isDone = page.data.length > 0 || page.more || page.reset || left <= 0
        if (isDone || held.budget.gone.aborted || changeWaiters.isStopped()) {
          if (open.isRevoked()) await open.renew()
          return page
        }
        follow()
        await ear.changed(left, held.budget.gone)
        if (held.budget.gone.aborted) return page
        const readPage = sharedReads(changeWaiters.moment())
        page = await turns.long.run(open.actor, async () => {
          if (held.budget.gone.aborted) return page
          await open.renew()
          return changesAfter(database, open.actor, page.cursor, query, held.budget, readPage)
        })
      }
    } finally {
      ear.stop()
    }
  }

  router.get(
    '/changes',
    handle(async (request, response, actor) => {
      await database.ready(undefined, actor.tenantId)
      const types = typesOf(database, actor, queryText(request, 'type'))
      const limit = queryNumber(request, 'limit', 100, MAX_LIMIT)
      const wait = queryText(request, 'wait') ?? '0'
      const ms = wait === '0' ? 0 : queryNumber(request, 'wait', MAX_WAIT_S, MAX_WAIT_S) * 1_000
      const open = openOf(request) as OpenRequest
      const end = ms === 0 ? () => {} : turns.polls.take(open.actor)
      if (!end)
        return refuseSlowly(open.actor, 'You wait for changes by as many requests as you may already.')
      try {
        const cursor = await cursorOf(database, queryText(request, 'cursor'))
        const budget = database.largeAnswers.budgetOf(response, open.actor)
        const page = await waitFor({ open, ms, budget }, cursor, { types, limit })
        if (!budget.gone.aborted) sendData(response, toAnswer(database, page))
      } finally {
        end()
      }
    }),
  )
}

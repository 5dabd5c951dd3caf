// The routes of earlier versions and of proposals as functions with outcomes. Loaded on use: see lazy-reviews.ts.

import type { UndoneRow } from '../../../server/protocol/bulk-and-import.ts'
import type {
  Fields,
  WireDeleted,
  WireOpenProposal,
  WireProposal,
  WireRecord,
} from '../../../server/protocol/index.ts'
import type { Clock } from '../base/clock.ts'
import { plainFields } from '../base/plain-value.ts'
import {
  dataOf,
  invalidOf,
  isGood,
  pathOf,
  recordOf,
  retriedWrite,
  segmentOf,
  staleOf,
} from '../http/answers.ts'
import type { Http, HttpAnswer } from '../http/fetch-json.ts'
import { bodyOf, refusalOf } from '../http/refusals.ts'
import type { Reviews } from './reviews.ts'

/** What they need of their client. */
export interface ReviewOptions {
  http: Http
  clock: Clock
  newId: () => string
  /** A version was restored, or a proposal accepted, here; `isShown` by the record's editor. */
  onSaved: (record: WireRecord, isShown: boolean) => void
}

/** Rows of an import that one request undoes. */
const UNDONE_AT_ONCE = 100

const codeOf = (answer: HttpAnswer) => bodyOf(answer).code

const pageQuery = ({ limit, after }: { limit?: number; after?: string }) =>
  new URLSearchParams({ ...(limit && { limit: `${limit}` }), ...(after && { after }) })

const nextOf = (answer: HttpAnswer) => (bodyOf(answer) as { next?: string }).next ?? null

const decidedOf = (answer: HttpAnswer) =>
  codeOf(answer) === 'proposal_decided' ? ({ outcome: 'decided' } as const) : null

export function createReviewRequests({ http, clock, newId, onSaved }: ReviewOptions): Reviews {
  const write = retriedWrite(http, clock)

  const savedOf = <F extends object>(answer: HttpAnswer, isShown = false) => {
    const refused = staleOf<F>(answer) ?? invalidOf(answer)
    if (refused) return refused
    return recordOf(answer, (record: WireRecord<F>) => {
      onSaved(record as WireRecord, isShown)
      return { outcome: 'saved' as const, record, mergedFields: [] as string[] }
    })
  }

  return {
    async readPast<F extends object = Fields>(...[type, id, moment]: Parameters<Reviews['readPast']>) {
      const asked =
        'version' in moment
          ? `version=${moment.version}`
          : `as_of=${encodeURIComponent(new Date(moment.asOf).toISOString())}`
      const answer = await http({ method: 'GET', path: `${pathOf(type, id)}?${asked}` })
      if (codeOf(answer) === 'no_longer_known') return { outcome: 'no_longer_known' }
      const { writable } = bodyOf(answer)
      return recordOf(answer, (record: WireRecord<F>) => ({
        outcome: 'found' as const,
        record,
        writable: Array.isArray(writable) ? writable.map(String) : [],
      }))
    },

    async restoreVersion<F extends object = Fields>(
      ...[type, id, options]: Parameters<Reviews['restoreVersion']>
    ) {
      const { clientVersion, toVersion, fields, mutationId = newId() } = options
      const body = {
        client_version: clientVersion,
        to_version: toVersion,
        mutation_id: mutationId,
        ...(fields && { fields }),
      }
      const answer = await write({ method: 'POST', path: `${pathOf(type, id)}/restore`, body })
      return savedOf<F>(answer, options.isShown)
    },

    async propose(type, id, { clientVersion, changes, note, mutationId = newId() }) {
      const body = {
        client_version: clientVersion,
        changes: plainFields(changes),
        mutation_id: mutationId,
        ...(note && { note }),
      }
      const answer = await write({ method: 'POST', path: `${pathOf(type, id)}/proposals`, body })
      const refused = staleOf<Fields>(answer) ?? invalidOf(answer)
      return (
        refused ?? dataOf(answer, (proposal: WireProposal) => ({ outcome: 'proposed' as const, proposal }))
      )
    },

    async proposals(type, id, { state, after } = {}) {
      const query = new URLSearchParams({ ...(state && { state }), ...(after && { after }) })
      const answer = await http({ method: 'GET', path: `${pathOf(type, id)}/proposals?${query}` })
      const { next, may } = bodyOf(answer) as Partial<{
        next: string
        may: { save: boolean; propose: boolean }
      }>
      return dataOf(answer, (proposals: WireProposal[]) => ({
        outcome: 'found' as const,
        proposals,
        next: next ?? null,
        may: { save: may?.save === true, propose: may?.propose === true },
      }))
    },

    async acceptProposal<F extends object = Fields>(
      ...[type, id, proposalId, options]: Parameters<Reviews['acceptProposal']>
    ) {
      const { clientVersion, fields, edited, mutationId = newId() } = options
      const body = {
        client_version: clientVersion,
        mutation_id: mutationId,
        ...(fields && { fields }),
        ...(edited && { edited: plainFields(edited) }),
      }
      const path = `${pathOf(type, id)}/proposals/${encodeURIComponent(proposalId)}/accept`
      const answer = await write({ method: 'POST', path, body })
      return decidedOf(answer) ?? savedOf<F>(answer)
    },

    async openProposals(type, { mine, ...page } = {}) {
      const path = `/proposals/${segmentOf(type)}?${pageQuery(page)}${mine ? '&mine=true' : ''}`
      const answer = await http({ method: 'GET', path })
      return dataOf(answer, (proposals: WireOpenProposal[]) => ({
        outcome: 'found' as const,
        proposals,
        next: nextOf(answer),
      }))
    },

    async deleted(type, page = {}) {
      const answer = await http({ method: 'GET', path: `/deleted/${segmentOf(type)}?${pageQuery(page)}` })
      return dataOf(answer, (records: WireDeleted[]) => ({
        outcome: 'found' as const,
        records,
        next: nextOf(answer),
      }))
    },

    async restoreDeleted<F extends object = Fields>(
      ...[type, id, { clientVersion, mutationId = newId() }]: Parameters<Reviews['restoreDeleted']>
    ) {
      const body = { client_version: clientVersion, mutation_id: mutationId }
      return savedOf<F>(await write({ method: 'POST', path: `${pathOf(type, id)}/restore`, body }))
    },

    async undoImport(type, importId, { onProgress, signal } = {}) {
      const path = `${pathOf(type, 'import', importId)}/undo`
      const rows: UndoneRow[] = []
      let done = 0
      for (let after: string | null = null; ; ) {
        const answer: HttpAnswer = await write({
          method: 'POST',
          path,
          body: { after, limit: UNDONE_AT_ONCE },
        })
        const { next, total } = bodyOf(answer) as { next?: string | null; total?: number | null }
        const part = dataOf(answer, (data: UndoneRow[]) => ({ outcome: 'undone' as const, data }))
        if (part.outcome !== 'undone') return part
        rows.push(...part.data)
        done = next ? done + UNDONE_AT_ONCE : Math.max(done, total ?? 0)
        onProgress?.({ done: Math.min(done, total ?? done), total: total ?? done })
        if (!next || signal?.aborted) return { outcome: 'undone', rows, isWhole: !next }
        after = next
      }
    },

    async rejectProposal(type, id, proposalId, { mutationId = newId() } = {}) {
      const path = `${pathOf(type, id)}/proposals/${encodeURIComponent(proposalId)}/reject`
      const answer = await write({ method: 'POST', path, body: { mutation_id: mutationId } })
      if (answer.isAnswered && isGood(answer.status)) return { outcome: 'rejected' }
      return decidedOf(answer) ?? refusalOf(answer)
    },
  }
}

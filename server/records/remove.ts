// Deleting a record, guarded as a save is: what changed since the editor looked is not thrown away unseen.

import type { RemoveOutcome } from '../base/outcomes.ts'
import { MISSING } from '../base/outcomes.ts'
import { problem, Refusal } from '../base/problems.ts'
import type { Actor } from '../base/record-type.ts'
import type { Database } from '../tables/database.ts'
import { guardParameters } from '../tables/tenant.ts'
import { writerContext } from '../tables/writer-context.ts'
import {
  mutationParameters,
  requestHash,
  sendWrite,
  storedResponse,
  type WriteOptions,
} from './idempotency.ts'
import { targetOf } from './read.ts'
import { whyRefused } from './refused-write.ts'
import { authorizeParents, permittedUnread } from './save.ts'
import { SWALLOWED, settling, swallowing } from './settled-write.ts'

/** What {@link RecordServer.remove} takes. */
export interface RemoveOptions<A extends Actor = Actor> extends WriteOptions<A> {
  /** The version that the editor loaded. */
  clientVersion: number
  /** The version came as `If-Match`: a stale deletion is 412 instead of 409. */
  byHeader?: boolean | undefined
}

const MAX_ATTEMPTS = 3

/** Deletes a record if it is still at the editor's version. */
export const removeRecord = async (
  shared: Database,
  type: string,
  id: string,
  options: RemoveOptions,
): Promise<RemoveOutcome> => {
  const database = shared.forActor(options.actor)
  const target = await targetOf(database, { type, id, ...options })
  if (!target) return MISSING
  const { known } = target
  const hash = options.mutationId ? requestHash('remove', type, target.id, options.clientVersion) : ''
  const replay = async (): Promise<RemoveOutcome | null> => {
    const kept = await storedResponse(database, options, hash)
    return kept?.outcome === 'stored' ? { outcome: 'removed', replayed: true } : kept
  }
  let wasSent = false
  const isSwallowed = swallowing(database, known, 'delete')
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const authorize = authorizeParents(database, target, 'delete', options)
    const permitted =
      attempt === 0 ? permittedUnread(database, target, 'delete', options.clientVersion) : null
    const refused = permitted ? null : await whyRefused(database, target, 'delete', options)
    if (refused) return (refused.outcome === 'missing' ? null : await replay()) ?? refused
    if (wasSent && (await isSwallowed())) return SWALLOWED
    const written = await sendWrite(database, known, options, {
      query: known.sql.remove(options.mutationId !== undefined),
      values: [
        writerContext(database.signing, options),
        target.id,
        options.clientVersion,
        ...guardParameters(known, options.actor),
        ...mutationParameters(options, hash),
      ],
      columns: [],
      settle: settling(database, target, options, {
        event: 'delete',
        columns: [],
        hash,
        clientVersion: options.clientVersion,
      }),
      isStill: permitted?.isStill,
      authorize,
    })
    if (written.outcome === 'cache_cleared') continue
    if (written.outcome === 'invalid' || written.outcome === 'forbidden') return written
    if (written.outcome !== 'written') return (await replay()) ?? MISSING
    wasSent = written.isSent
    if (written.rows.length > 0) return { outcome: 'removed' }
  }
  throw new Refusal(problem('unavailable', 'The record changes too fast to delete. Try again.'))
}

// Who imports, and what they may do with records of the type without a look at any of them.
import type { OpenRequest } from '../base/open-requests.ts'
import type { Forbidden } from '../base/outcomes.ts'
import { problem, Refusal } from '../base/problems.ts'
import type { Actor } from '../base/record-type.ts'
import { staticPermission } from '../base/static-permission.ts'
import type { KnownType } from '../tables/database.ts'

export const FORBIDDEN: Forbidden = {
  outcome: 'forbidden',
  problem: problem('forbidden', 'You may not import records of this type.'),
}

const CHANGED = new Refusal(
  problem('unavailable', 'Permissions changed during the import: nothing was imported.'),
)

export const verdictsOf = (known: KnownType, actor: Actor) =>
  (['create', 'update'] as const).map((action) =>
    staticPermission(known.type, actor, action, known.part !== null),
  )

/** Besides, whether they may read what parts belong to. */
const allVerdictsOf = (known: KnownType, actor: Actor) => [
  ...verdictsOf(known, actor),
  ...(known.parent ? [staticPermission(known.parent.type, actor, 'read')] : []),
]

/**
 * Who imports, looked up anew. Rows that were checked before stay as they are where the right to them doesn't depend on the
 * record, or nothing but the sign-in was asked for again.
 *
 * @throws Refusal where the sign-in or the right has ended, or a revocation may concern rows that were checked already.
 */
export const actorNow = async (known: KnownType, before: Actor, request: OpenRequest): Promise<Actor> => {
  const isRevoked = request.isRevoked()
  await request.renew()
  const now = request.actor
  const isOfSameRights = known.forActor(now).rights === known.rights
  const verdictsBefore = allVerdictsOf(known, before)
  for (const [place, verdict] of allVerdictsOf(known, now).entries()) {
    const verdictBefore = verdictsBefore[place]
    if (verdict === false && verdictBefore !== false) throw new Refusal(FORBIDDEN.problem)
    if (verdict === null && (isRevoked || verdictBefore !== null)) throw CHANGED
  }
  if (!isOfSameRights) throw CHANGED
  return now
}

// The user that a piece of work belongs to: limits and queues count by user and by tenant.

/** The person for whom work is done; an {@link Actor} is one. */
export interface Person {
  readonly tenantId: string
  readonly id: string
}

/** A piece of work asks for its person's text several times in a row. */
let last = { tenantId: '', id: '', key: '0:' }

/** One text for each person; two people never share one, whatever their ids hold. */
export const personKey = ({ tenantId, id }: Person): string => {
  if (tenantId !== last.tenantId || id !== last.id)
    last = { tenantId, id, key: `${tenantId.length}:${tenantId}${id}` }
  return last.key
}

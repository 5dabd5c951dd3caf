// The user that a piece of work belongs to: limits and queues count by user and by tenant.

/** The person for whom work is done; an {@link Actor} is one. */
export interface Person {
  readonly tenantId: string
  readonly id: string
}

/** One text for each person; two people never share one, whatever their ids hold. */
export const personKey = ({ tenantId, id }: Person): string => `${tenantId.length}:${tenantId}${id}`

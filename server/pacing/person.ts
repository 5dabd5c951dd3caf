// Whose work something is: what is limited and queued here is counted by person and by tenant.

/** The person for whom work is done; an {@link Actor} is one. */
export interface Person {
  readonly tenantId: string
  readonly id: string
}

/** One text for each person; two people never share one, whatever their ids hold. */
export const personKey = ({ tenantId, id }: Person): string => `${tenantId.length}:${tenantId}${id}`

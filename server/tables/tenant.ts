// The tenant of a record. Records of a table without a tenant column belong to one tenant, ''.
import type { Actor } from '../base/record-type.ts'
import type { TrackedType } from './catalogue.ts'

/** The tenant under which a type's records are cached, watched and reported. */
export const tenantOf = ({ tenantColumn }: TrackedType, { tenantId }: Pick<Actor, 'tenantId'>): string =>
  tenantColumn ? tenantId : ''

/** The parameter for a statement's tenant, if it has one. */
export const tenantParameter = (
  { tenantColumn }: TrackedType,
  { tenantId }: { tenantId: string | null },
): (string | null)[] => (tenantColumn ? [tenantId] : [])

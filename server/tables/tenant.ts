// The tenant of a record. Records of a table without a tenant column belong to one tenant, ''.
import type { Actor } from '../base/record-type.ts'
import type { LogFilter } from '../log/log-reader.ts'
import type { TrackedType } from './catalogue.ts'
import type { KnownType } from './known-type.ts'
import type { TypeLookup } from './type-lookup.ts'

/** The tenant under which a type's records are cached, watched and reported. */
export const tenantOf = (
  { tenantColumn, ownTenant }: Pick<KnownType, 'tenantColumn' | 'ownTenant'>,
  { tenantId }: Pick<Actor, 'tenantId'>,
): string => (tenantColumn || ownTenant !== null ? tenantId : '')

/** A change of a type as its rooms and events have it: the log names no tenant where a schema does. */
export const ofOwnTenant = <Change extends { tenantId: string | null }>(
  { ownTenant }: KnownType,
  change: Change,
): Change => (ownTenant === null ? change : { ...change, tenantId: ownTenant })

/** The parameters of a guard: the tenant, and how the actor is named among a record's members, each where there are any. */
export const guardParameters = (known: TrackedType, actor: Actor): (string | null)[] => [
  ...tenantParameter(known, actor),
  ...(known.audience ? [known.audience.nameOf(actor)] : []),
]

/** The parameter for a statement's tenant, if it has one. */
export const tenantParameter = (
  { tenantColumn }: TrackedType,
  { tenantId }: { tenantId: string | null },
): (string | null)[] => (tenantColumn ? [tenantId] : [])

/** What the log holds of these types for one tenant. */
export const changesOf = (types: KnownType[], { tenantId }: Pick<Actor, 'tenantId'>): LogFilter => ({
  sources: types.map(({ source }) => source),
  tenants: types.map(({ tenantColumn }) => (tenantColumn ? tenantId : null)),
})

/** The tenant that a change concerns; `null`: it may be any, `undefined`: none on this node. */
export const tenantConcerned = (
  { typeOfSource }: TypeLookup,
  { source, tenantId }: { source: string; tenantId: string | null },
): string | null | undefined => {
  const known = typeOfSource(source)
  return known && (known.ownTenant ?? (known.tenantColumn ? tenantId : null))
}

/** More tables than these cost the database more to distinguish than the changes of the others cost a node. */
const MOST_SOURCES = 100

const sources = new WeakMap<KnownType[], string[] | null>()

/** The tables whose changes concern a node, its types' and those of their audiences, the same array for the same types; `null`: too many. */
export const sourcesOf = (types: KnownType[]): string[] | null => {
  const before = sources.get(types)
  if (before !== undefined) return before
  const all = new Set(
    types.flatMap(({ source, audience }) => (audience ? [source, audience.source] : [source])),
  )
  const found = all.size > MOST_SOURCES ? null : [...all]
  sources.set(types, found)
  return found
}

// The door `noclobber/tanstack-query`: records and lists as queries of TanStack Query, kept current by events.

export { bindQueries } from './bind-queries.ts'
export { invalidateOn } from './invalidate-on.ts'
export { listQuery, RecordQueryError, recordQuery } from './queries.ts'

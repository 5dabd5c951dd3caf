// How much of the first answers of their writes one person may have kept. Beyond it their own oldest go, never another's.
// Invariant: nobody waits for it. What was kept is counted in this process, about, and the database is asked only once a
// part of the budget has been added.
import { type Row, type Statement, statement } from '../db/statement.ts'

/** Of the budget, after which the database is asked. */
const SHARE = 0.25
/** What a stored response takes beside its values. */
const OWN_BYTES = 300
const MOST_PEOPLE = 10_000
const BATCH = 1_000

const TRIM = statement(`
with sized as (
  select m.mutation_id, m.created_at,
    sum(pg_catalog.pg_column_size(m.answer) + ${OWN_BYTES}) over (order by m.created_at desc, m.mutation_id) as total
  from noclobber.mutations m where m.tenant_id = $1 and m.actor_id = $2
), old as (select s.mutation_id from sized s where s.total > $3 order by s.created_at limit ${BATCH})
delete from noclobber.mutations m using old o
where m.tenant_id = $1 and m.actor_id = $2 and m.mutation_id = o.mutation_id returning 1 as gone`)

export interface StoredResponses {
  /** An answer with about so many bytes of values was kept for this person. */
  add(person: { tenantId: string; id: string }, bytes: number): void
}

export interface StoredResponsesOptions {
  /** For each person. */
  bytes: number
  send(query: Statement, values: unknown[]): Promise<Row[]>
  onFailed(error: unknown): void
}

export const createStoredResponses = ({
  bytes: budget,
  send,
  onFailed,
}: StoredResponsesOptions): StoredResponses => {
  const added = new Map<string, number>()

  const trim = async (tenantId: string, id: string) => {
    while ((await send(TRIM, [tenantId, id, budget])).length === BATCH);
  }

  return {
    add: ({ tenantId, id }, bytes) => {
      const key = JSON.stringify([tenantId, id])
      const sum = (added.get(key) ?? 0) + bytes + OWN_BYTES
      added.delete(key)
      if (sum > budget * SHARE) {
        trim(tenantId, id).catch(onFailed)
        return
      }
      added.set(key, sum)
      if (added.size > MOST_PEOPLE) added.delete(added.keys().next().value as string)
    },
  }
}

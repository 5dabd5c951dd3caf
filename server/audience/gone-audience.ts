// The audience of records that are deleted: the members that the record has still, and those who went with it, as by a foreign key
// that cascades. Invariant: who had left before the deletion is not among them.
import { quoteText } from '../../migrations/quote.ts'
import type { PermissionRecord } from '../base/record-type.ts'
import { type Row, type Statement, statement } from '../db/statement.ts'
import { type Audience, setAudience } from './audience.ts'
import { lookByPolicies, type Policed } from './gone-policies.ts'

/** ids, versions: of each deletion its members. */
const goneStatement = ({ by, source, on, named, loggedName, membersOf }: Audience, of: string): Statement => {
  const was = `(d.old_row->>${quoteText(by.column)})`
  return statement(`select d.record_id as id, d.version, ${was} as by, array(
  select ${named} from ${membersOf(was)}
  union select ${loggedName} from noclobber.changes c where c.xid = d.xid and c.table_name = ${quoteText(source)}
    and c.event = 'deleted' and c.scopes->${quoteText(on)} ? ${was}) as members
from unnest($1::text[], $2::bigint[]) w(id, version) join noclobber.changes d
  on d.table_name = ${quoteText(of)} and d.record_id = w.id and d.version = w.version and d.event = 'deleted'`)
}

/** A deletion, and the record as it last was. */
interface Deletion {
  id: string
  version: number
  record: PermissionRecord
}

/** Notes with records that are gone who their audience was, and whether policies let this session see them. */
export const setGoneAudience = async (
  send: (query: Statement, values: unknown[]) => Promise<Row[]>,
  known: Policed & { audience: Audience | null },
  deletions: Deletion[],
): Promise<void> => {
  await lookByPolicies(send, known, deletions)
  const { audience, source } = known
  if (!audience || deletions.length === 0) return
  const values = [deletions.map(({ id }) => id), deletions.map(({ version }) => version)]
  const rows = await send(goneStatement(audience, source), values)
  const keyOf = (id: string, version: number) => `${version} ${id}`
  const found = new Map(rows.map((row) => [keyOf(row.id, Number(row.version)), row]))
  for (const { id, version, record } of deletions) {
    const row = found.get(keyOf(id, version))
    if (row) setAudience(record, row.by, row.members)
  }
}

// Rows of a file that are parts of other records, authorized by their parents right before they are written.
// Invariant: as for a single write: nothing raises the version of a record that the person may not read.
import type { Knex } from 'knex'
import {
  asksParents,
  authorizeParts,
  mayUnder,
  parentMissingError,
  readParents,
  readParts,
} from '../records/parents.ts'
import type { Database } from '../tables/database.ts'
import { namesParent } from '../tables/part-sql.ts'
import { tenantParameter } from '../tables/tenant.ts'
import { FORBIDDEN, type ImportJob, MAY_NOT_CREATE, type RowError } from './validate-rows.ts'

/** Row errors of staged lines, by line. A record that has changed since the first check is authorized elsewhere. */
export const authorizeParents = async (
  database: Database,
  { known, actor, sql }: ImportJob,
  { first, last }: { first: number; last: number },
  transaction: Knex.Transaction,
): Promise<Map<number, RowError>> => {
  const refused = new Map<number, RowError>()
  const { part } = known
  if (!part) return refused
  const missing = parentMissingError(known)
  const tenant = tenantParameter(known, actor)
  const isAsked = {
    create: asksParents(known, actor, 'create'),
    update: asksParents(known, actor, 'update'),
  }
  if (!isAsked.create && !isAsked.update) {
    for (const { line } of await database.send(sql.orphans, [first, last, ...tenant], transaction))
      refused.set(line, missing)
    return refused
  }
  /** The document goes by the columns' own names. */
  const fieldsIn = (doc: string): Record<string, unknown> =>
    Object.fromEntries(
      Object.entries<unknown>(JSON.parse(doc)).map(([column, value]) => [known.names.fieldOf(column), value]),
    )
  const lines = await database.send(sql.parents, [first, last, ...tenant], transaction)
  const asking = { known, actor, transaction, isLocking: true }
  const parts = await readParts(
    database,
    asking,
    lines.flatMap(({ id }) => id ?? []),
  )
  const keys = [...lines, ...parts.values()].flatMap(({ parent }) => parent ?? [])
  const { readable } = await readParents(database, asking, [...new Set(keys)])
  const lineOf = new Map(lines.map((row) => [row.id as string | null, row]))
  const moveOf = (id: string) => {
    const values = fieldsIn(lineOf.get(id)?.doc)
    return namesParent(part, Object.keys(values)) ? { values, parent: lineOf.get(id)?.parent } : null
  }
  const authorized = isAsked.update
    ? await authorizeParts(database, asking, 'update', { parts, readable, moveOf })
    : null
  for (const { line, id, parent, doc } of lines) {
    const fields = fieldsIn(doc)
    const draft = { type: known.type.name, id: '', version: 0, fields }
    if (namesParent(part, Object.keys(fields)) && parent !== null && !readable.has(parent))
      refused.set(line, missing)
    else if (id === null && isAsked.create && !mayUnder(asking, 'create', draft, parent, readable))
      refused.set(line, MAY_NOT_CREATE)
    else if (id !== null && authorized?.get(id)?.allowed.includes('update') === false)
      refused.set(line, FORBIDDEN)
  }
  return refused
}

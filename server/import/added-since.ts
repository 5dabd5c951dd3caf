// What was added since to records that an import created: rows of other tables that a foreign key would delete with them.
// Invariant: from its reading to the end of the transaction nobody adds more.
import type { Knex } from 'knex'
import { quoteName, quoteTable } from '../../migrations/quote.ts'
import { statement } from '../db/statement.ts'
import { cascadesOf } from '../history/restore-rows.ts'
import type { FieldError } from '../protocol/index.ts'
import type { Database, KnownType } from '../tables/database.ts'
import { idSql } from '../tables/head-sql.ts'

/** xid, source, table: the import's own transaction made rows there too, as by a trigger, or this role may not look. */
const UNKNOWN = statement(`
select exists (select from noclobber.changes c where c.xid = $1::xid8 and c.table_name = $2)
  or not has_table_privilege($3, 'select') as is_unknown`)

/** Named is what the app has declared. */
const errorOf = (type: string | undefined): FieldError => ({
  field: '',
  message: `What was added to it since would be deleted with it${type ? `: ${type}` : ''}.`,
})

/** By id why it is not to be deleted. */
export const addedSince = async (
  database: Database,
  known: KnownType,
  { ids, xid }: { ids: string[]; xid: string },
  transaction: Knex.Transaction,
): Promise<Map<string, FieldError[]>> => {
  const added = new Map<string, FieldError[]>()
  if (ids.length === 0) return added
  const id = idSql(known)
  const ofIds = `from ${known.table} t where ${id.isAnyText('$1')}`
  let isLocked = false
  for (const { source, columns, referred } of await cascadesOf(database, known.source, transaction)) {
    const table = quoteTable(source)
    const type = database.types().find((other) => other.source === source)?.type.name
    const [row] = await database.send(UNKNOWN, [xid, source, table], transaction)
    if (row?.is_unknown) continue
    // Who refers to a record waits for its lock.
    if (!isLocked) await database.send({ name: '', text: `select ${ofIds} for update` }, [ids], transaction)
    isLocked = true
    const refers = columns
      .map((column, at) => `r.${quoteName(column)} = t.${quoteName(referred[at] as string)}`)
      .join(' and ')
    const text = `select ${id.text} as id ${ofIds} and exists (select from ${table} r where ${refers})`
    for (const found of await database.send({ name: '', text }, [ids], transaction))
      added.set(found.id, [errorOf(type)])
  }
  return added
}

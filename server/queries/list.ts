// Lists of records: filtered by declared columns, sorted, page by page by key.
// Invariant: nothing of an answer, not its rows, not its length, not where its next page begins, tells of a record that
// the asker may not read: pages are filled with readable rows alone, and end at one.

import { refuse } from '../base/problems.ts'
import type { Actor } from '../base/record-type.ts'
import { blindVerdict } from '../base/static-permission.ts'
import { type Row, statement } from '../db/statement.ts'
import type { Cursor } from '../log/cursor.ts'
import type { ListAnswer, WireRecord } from '../protocol/index.ts'
import type { Database, KnownType } from '../tables/database.ts'
import {
  type ListQuery,
  type Position,
  pageQuery,
  type Query,
  readPosition,
  writePosition,
} from './list-query.ts'

const HERE = statement('select pg_current_snapshot()::text as snapshot, noclobber.epoch() as epoch')

/** Sends a list's statement; a value that can't be one of its column is the asker's mistake. */
export const sendQuery = async (database: Database, { text, values }: Query): Promise<Row[]> =>
  database.send({ name: '', text }, values).catch((error) => {
    if (/^22/.test(error?.code ?? '')) refuse('malformed', 'A filter or sort value does not fit its field.')
    throw error
  })

/**
 * Does permission depend on the record? Then `removed` can't name what the asker may no longer read, and those who hold
 * records have to ask for them by their ids.
 */
export const needsRecheck = (known: KnownType, actor: Actor): boolean =>
  blindVerdict(known.type, actor, 'read') === null

/** One page of a list, and the position in the change log at which it was read. */
export const listRecords = async (
  database: Database,
  known: KnownType,
  actor: Actor,
  query: ListQuery,
): Promise<ListAnswer> => {
  const { limit } = query
  const found: { record: WireRecord; position: Position }[] = []
  let here: Cursor | null = null
  let after = query.after === undefined ? null : readPosition(query.after)
  for (let isOver = false; !isOver && found.length <= limit; ) {
    const rows = await sendQuery(database, pageQuery(known, actor, query, after))
    const [first] = rows
    here ??= first
      ? { snapshot: first.noclobber_here, epoch: first.noclobber_epoch }
      : ((await database.send(HERE, []))[0] as Cursor)
    for (const row of rows) {
      const record = known.sql.toRecord(row)
      after = [row.noclobber_sort, record.id]
      if (known.mayRead(actor, record)) found.push({ record, position: after })
    }
    isOver = rows.length <= limit
  }
  const page = found.slice(0, limit)
  const last = page.at(-1)
  return {
    data: page.map(({ record }) => record),
    cursor: database.cursors.encode(here as Cursor),
    next: found.length > limit && last ? writePosition(last.position) : null,
    ...(needsRecheck(known, actor) && { recheck: true }),
  }
}

// `noclobber changes`: the log as the database has it, all tenants, for the operator; --follow goes on until Ctrl-C.
// Programs follow GET /changes instead, which shows each caller what they may see.

import type { Knex } from 'knex'
import type { Connection } from '../db/statement.ts'
import type { Cursor, Cursors } from '../log/cursor.ts'
import { readCursors } from '../log/cursor-key.ts'
import { type Change, createLogReader } from '../log/log-reader.ts'
import { hasExpired } from '../log/read-log.ts'
import { pauseUntil } from '../pacing/timeouts.ts'
import {
  COMMON,
  type Command,
  DATABASE,
  DATABASE_HELP,
  EXIT,
  type ExitCode,
  list,
  type Terminal,
  text,
  UsageError,
  type Values,
} from './command.ts'
import { isNamed, unknownTables } from './tracked.ts'
import { withDatabase } from './with-database.ts'

const PAGE = 1_000
const POLL_MS = 500

/** A pooler may be between, and a name gains nothing here. */
const NAMED = false

/** The position before all changes. */
const BEGINNING = '1:1:'

const plain = ({ event, source, id, version, updatedAt, updatedBy, changedFields }: Change) =>
  `${updatedAt}  ${event}  ${source} ${id} v${version}  by ${updatedBy?.name ?? 'nobody known'}  ${changedFields.join(', ')}`.trimEnd()

const asJson = (change: Change) =>
  JSON.stringify({
    event: change.event,
    table: change.source,
    id: change.id,
    version: change.version,
    tenant_id: change.tenantId,
    changed_fields: change.changedFields,
    updated_at: change.updatedAt,
    updated_by: change.updatedBy,
    tab_id: change.tabId,
  })

/** Where to begin; `null` where the cursor given can't be gone on from. */
const firstCursor = async (
  connection: Connection,
  driver: unknown,
  values: Values,
  cursors: Cursors,
): Promise<Cursor | null> => {
  const here = await createLogReader(connection, driver, NAMED).here()
  const given = text(values, 'cursor') ?? (values.follow ? 'now' : 'start')
  if (given === 'now') return here
  if (given === 'start') return { ...here, snapshot: BEGINNING }
  const cursor = cursors.decode(given)
  if (!cursor) throw new UsageError('--cursor must be "start", or what an earlier call printed.')
  return (await hasExpired(connection, driver, NAMED, cursor)) ? null : cursor
}

/** A name that is written wrongly would show nothing, for ever. */
const mustBeKnown = async (knex: Knex, names: string[]) => {
  if (names.length === 0) return
  const { unknown, tracked } = await unknownTables(knex, names)
  if (unknown.length === 0) return
  throw new UsageError(
    `No table ${unknown.join(' or ')} is tracked. Tracked: ${tracked.join(', ') || 'none'}.`,
  )
}

const print = async (knex: Knex, terminal: Terminal, values: Values): Promise<ExitCode> => {
  const tables = list(values, 'tables')
  await mustBeKnown(knex, tables)
  const wanted = ({ source }: Change) => tables.length === 0 || tables.some((name) => isNamed(source, name))
  const cursors = await readCursors(knex)
  const { client } = knex
  const connection = await client.acquireRawConnection()
  // What is asked next finds out that it was lost.
  connection.on('error', () => {})
  try {
    const reader = createLogReader(connection, client.driver, NAMED)
    const first = await firstCursor(connection, client.driver, values, cursors)
    if (!first) {
      terminal.err(
        'Changes behind this cursor are gone, or it is of another database. Begin anew: --cursor start',
      )
      return EXIT.refused
    }
    let { rest, ...cursor } = first
    while (!terminal.signal.aborted) {
      const { epoch } = cursor
      const page = await reader.changesAfter(cursor, PAGE, {
        rest: rest && { upTo: { epoch, snapshot: rest.snapshot }, afterSeq: rest.afterSeq },
      })
      for (const change of page.changes.filter(wanted))
        terminal.out(values.json ? asJson(change) : plain(change))
      const last = page.more && page.changes.at(-1)
      rest = last ? { snapshot: page.cursor.snapshot, afterSeq: last.seq } : undefined
      if (!rest) cursor = page.cursor
      if (rest) continue
      if (!values.follow) break
      await pauseUntil(POLL_MS, terminal.signal)
    }
    const end = cursors.encode(rest ? { ...cursor, rest } : cursor)
    if (values.json) terminal.out(JSON.stringify({ cursor: end }))
    else terminal.err(`Go on with --cursor ${end}`)
    return EXIT.done
  } finally {
    await client.destroyRawConnection(connection)
  }
}

export const changes: Command = {
  name: 'changes',
  usage: '[--follow] [--cursor CURSOR] [--tables TABLE,…]',
  summary: 'print the change log, or follow it',
  help: [
    '  --follow         go on until Ctrl-C; without --cursor from now on',
    '  --cursor CURSOR  go on after an earlier call; "start": all that the log holds',
    '  --tables TABLES  only these',
    DATABASE_HELP,
    '',
    'Shows the changes of all tenants. Exit code 1 where a cursor is too old. With --json one object a line, the last one with the cursor.',
  ],
  options: {
    ...COMMON,
    ...DATABASE,
    follow: { type: 'boolean', short: 'f' },
    cursor: { type: 'string' },
    tables: { type: 'string' },
  },
  run: (terminal, values) => withDatabase(terminal, values, (knex) => print(knex, terminal, values)),
}

// `noclobber prune`: deletes old changes now, as the servers do by themselves. `noclobber restored`: a new history begins, for where
// no program can know that the database went back.

import { setRetention } from '../../migrations/retention.ts'
import { beginHistory } from '../../migrations/version-floor.ts'
import { erasePerson, eraseRecord } from '../log/erase.ts'
import { pruneLog } from '../log/prune.ts'
import { COMMON, type Command, DATABASE, DATABASE_HELP, EXIT, number, text, UsageError } from './command.ts'
import { withDatabase } from './with-database.ts'

const DAY_MS = 24 * 3_600_000

export const prune: Command = {
  name: 'prune',
  usage: '[--days 30] [--batch 5000]',
  summary: 'delete changes that are older than the retention',
  help: [
    '  --days DAYS      keep this many days; default: 30. Tables tracked with a retention have times of their own',
    '  --batch ROWS     rows of one transaction; default: 5000',
    DATABASE_HELP,
    '',
    'A reader of /changes with an older cursor has to begin anew. Exit code 1 where another node is pruning.',
  ],
  options: { ...COMMON, ...DATABASE, days: { type: 'string' }, batch: { type: 'string' } },
  run: (terminal, values) =>
    withDatabase(terminal, values, async (knex) => {
      const pruned = await pruneLog(knex, {
        retentionMs: number(values, 'days', 30) * DAY_MS,
        batch: number(values, 'batch', 5_000),
        signal: terminal.signal,
        namedStatements: false,
      })
      if (values.json) terminal.out(JSON.stringify(pruned))
      else if (pruned.busy) terminal.err('Another node is pruning just now.')
      else
        terminal.out(
          `Deleted ${pruned.changes} changes and ${pruned.mutations} stored responses, and the values of ${pruned.values} changes.`,
        )
      return pruned.busy ? EXIT.refused : EXIT.done
    }),
}

const TIMES = `select table_name as table, kept_values::text as values, kept_names::text as names from noclobber.retentions order by 1`

export const retention: Command = {
  name: 'retention',
  usage: "[TABLE [--values '90 days'] [--names '2 years'] [--default]]",
  summary: 'how long the log keeps what of a table; without one: of which there is more to say',
  help: [
    '  --values TIME    values before and after a change, and of what was deleted; default: as long as names',
    '  --names TIME     who changed which fields when; default: as long as the servers say (limits.retentionMs)',
    '  --default        both as long as the servers say',
    DATABASE_HELP,
    '',
    'Servers and `noclobber prune` go by it. Run it as the role of the migrations.',
  ],
  options: {
    ...COMMON,
    ...DATABASE,
    values: { type: 'string' },
    names: { type: 'string' },
    default: { type: 'boolean' },
  },
  run: (terminal, options, [table, ...more]) => {
    const values = text(options, 'values')
    const names = text(options, 'names')
    const isSetting = options.default === true || values !== undefined || names !== undefined
    if (more.length > 0 || isSetting !== (table !== undefined))
      throw new UsageError('Give a table, and times for it or --default; or nothing to see all.')
    if (options.default === true && (values ?? names) !== undefined)
      throw new UsageError('--default excludes --values and --names.')
    return withDatabase(terminal, options, async (knex) => {
      if (table !== undefined) await setRetention(knex, table, { values, names })
      const { rows } = await knex.raw(TIMES)
      if (options.json) terminal.out(JSON.stringify(rows))
      else if (rows.length === 0) terminal.out('All is kept as long as the servers say.')
      else
        for (const row of rows)
          terminal.out(
            `${row.table}: values ${row.values ?? 'as its changes'}, changes ${row.names ?? 'as the log'}`,
          )
      return EXIT.done
    })
  },
}

export const erase: Command = {
  name: 'erase',
  usage: 'TABLE ID | --person ID [--tenant ID]',
  summary: 'erase what the log keeps of a record’s values, or of a person’s name',
  help: [
    '  TABLE ID         values of the record’s changes, what is proposed for it, stored responses with them',
    '  --person ID      the person’s name and id: in the log, in proposals, and as last writer in tracked tables',
    '  --tenant ID      the tenant of that person, where ids are unique within one only',
    DATABASE_HELP,
    '',
    'It can’t be undone. Change or delete the record itself first. Run it as the role of the migrations.',
  ],
  options: { ...COMMON, ...DATABASE, person: { type: 'string' }, tenant: { type: 'string' } },
  run: (terminal, values, [table, id, ...more]) => {
    const person = text(values, 'person')
    const tenantId = text(values, 'tenant') ?? null
    const isRecord = table !== undefined && id !== undefined && more.length === 0
    if (person === undefined ? !isRecord || tenantId !== null : table !== undefined)
      throw new UsageError('Give a table and the id of a record, or --person.')
    return withDatabase(terminal, values, async (knex) => {
      const erased =
        person === undefined
          ? await eraseRecord(knex, table ?? '', id ?? '')
          : await erasePerson(knex, { id: person, tenantId })
      if (values.json) terminal.out(JSON.stringify(erased))
      else
        terminal.out(
          `Erased from ${erased.changes} changes, ${erased.proposals} proposals, ${erased.responses} stored responses and ${erased.records} records.`,
        )
      return EXIT.done
    })
  },
}

export const restored: Command = {
  name: 'restored',
  usage: '',
  summary: 'say that the database went back: versions go on above all that may be lost',
  help: [
    DATABASE_HELP,
    '',
    'For what nodes can’t see: a volume rolled back beneath a running PostgreSQL, a table whose rows were loaded with its',
    'triggers off. It waits for writes of tracked tables that are under way. Pages and followers of changes read anew.',
    'Run it as the role of the migrations.',
  ],
  options: { ...COMMON, ...DATABASE },
  run: (terminal, values) =>
    withDatabase(terminal, values, async (knex) => {
      await beginHistory(knex)
      const { rows } = await knex.raw('select noclobber.epoch() as epoch')
      if (values.json) terminal.out(JSON.stringify(rows[0]))
      else terminal.out(`A new history has begun, of epoch ${rows[0].epoch}.`)
      return EXIT.done
    }),
}

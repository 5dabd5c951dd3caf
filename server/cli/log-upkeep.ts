// `noclobber prune`: deletes old changes now, as the servers do by themselves. `noclobber restored`: a new history begins, for where
// no program can know that the database went back.
import { beginHistory } from '../../migrations/version-floor.ts'
import { pruneLog } from '../log/prune.ts'
import { COMMON, type Command, DATABASE, DATABASE_HELP, EXIT, number } from './command.ts'
import { withDatabase } from './with-database.ts'

const DAY_MS = 24 * 3_600_000

export const prune: Command = {
  name: 'prune',
  usage: '[--days 30] [--batch 5000]',
  summary: 'delete changes that are older than the retention',
  help: [
    '  --days DAYS      keep this many days; default: 30',
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
      else terminal.out(`Deleted ${pruned.changes} changes and ${pruned.mutations} stored responses.`)
      return pruned.busy ? EXIT.refused : EXIT.done
    }),
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

// `noclobber prune`: deletes old changes now, as the servers do by themselves.
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

// `noclobber restored`: a new history begins, for where no program can know that the database went back.
import { beginHistory } from '../../migrations/version-floor.ts'
import { COMMON, type Command, DATABASE, DATABASE_HELP, EXIT } from './command.ts'
import { withDatabase } from './with-database.ts'

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

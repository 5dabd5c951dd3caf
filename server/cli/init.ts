// `noclobber init`: a migration that brings the change log.
import { COMMON, type Command, EXIT, text } from './command.ts'
import { type Migration, writeMigration } from './migration-file.ts'

const MIGRATION: Migration = {
  imports: ['migrate'],
  head: {
    comment: 'The change log keeps its own table of migrations, and can be called again at any time.',
    name: 'config',
    value: '{ transaction: false }',
  },
  up: 'migrate(knex)',
  down: { comment: 'The log stays: tracked tables write to it.', value: null },
}

export const init: Command = {
  name: 'init',
  usage: '[--dir migrations] [--ts]',
  summary: 'write a migration that makes the change log',
  help: [
    '  --dir DIR        where your Knex migrations are; default: migrations',
    '  --ts             write TypeScript',
  ],
  options: { ...COMMON, dir: { type: 'string' }, ts: { type: 'boolean' } },
  run: async (terminal, values) => {
    const typescript = values.ts === true
    const path = await writeMigration(terminal, {
      dir: text(values, 'dir') ?? 'migrations',
      name: 'noclobber',
      typescript,
      migration: MIGRATION,
    })
    if (values.json) terminal.out(JSON.stringify({ file: path }))
    else {
      terminal.out(`Wrote ${path}.`)
      terminal.out('Next: npx knex migrate:latest, then npx noclobber track TABLE --tenant COLUMN')
    }
    return EXIT.done
  },
}

// `noclobber doctor`: what is wrong, and what to do about it.
import { migrate } from '../../migrations/index.ts'
import { seeAbout } from '../base/setup-error.ts'
import { doctor as examine } from '../doctor/doctor.ts'
import { repairTables } from '../doctor/repair.ts'
import { COMMON, type Command, DATABASE, DATABASE_HELP, EXIT, list, number } from './command.ts'
import { withDatabase } from './with-database.ts'

const DAY_MS = 24 * 3_600_000

const counted = (count: number, what: string) => `${count} ${what}${count === 1 ? '' : 's'}`

export const doctor: Command = {
  name: 'doctor',
  usage: '[--tables TABLE,…] [--values TABLE,…] [--quick] [--days 30] [--repair]',
  summary: 'find what keeps changes from being seen, and say what to do',
  help: [
    '  --tables TABLES  tables that must be tracked, tenant_%.projects in each such schema; whatever is tracked is looked at anyway',
    '  --values TABLES  of these, tables that must keep values (history: values)',
    '  --quick          leave out the comparison of every row with the log',
    '  --days DAYS      the retention of the log; default: 30',
    '  --repair         first migrate the log, put back its functions and indexes, and track tables again that lost columns or triggers',
    DATABASE_HELP,
    '',
    'Exit code 1 where there is a problem; notes alone leave it 0.',
  ],
  options: {
    ...COMMON,
    ...DATABASE,
    tables: { type: 'string' },
    values: { type: 'string' },
    repair: { type: 'boolean' },
    quick: { type: 'boolean' },
    days: { type: 'string' },
  },
  run: (terminal, values) =>
    withDatabase(terminal, values, async (knex) => {
      if (values.repair) {
        await migrate(knex, { repair: true })
        for (const table of await repairTables(knex))
          if (!values.json) terminal.out(`${table} is tracked again, with the options that its triggers had.`)
      }
      const diagnosis = await examine(knex, {
        tables: list(values, 'tables'),
        values: list(values, 'values'),
        rows: values.quick !== true,
        retentionMs: number(values, 'days', 30) * DAY_MS,
      })
      const { ok, findings, tables } = diagnosis
      if (values.json) terminal.out(JSON.stringify(diagnosis))
      else {
        for (const { level, code, table, message, advice } of findings) {
          terminal.out(`${level}  ${code}${table ? `  ${table}` : ''}`)
          terminal.out(`  ${message}`)
          terminal.out(`  → ${advice}`)
          terminal.out(`  ${seeAbout(code)}`)
        }
        const problems = findings.filter(({ level }) => level === 'problem').length
        terminal.out(
          [
            counted(tables.length, 'tracked table'),
            counted(problems, 'problem'),
            counted(findings.length - problems, 'note'),
          ].join(', '),
        )
      }
      return ok ? EXIT.done : EXIT.refused
    }),
}

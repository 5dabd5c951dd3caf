// Reads a table's tracking options from its triggers' arguments, and formats them as the call or the command line that tracks it
// again. Invariant: an option that the triggers don't have is not made up.
import { VALUES_TRIGGERS } from '../../migrations/history-values.ts'
import { columnsOption, ownedBy } from '../../migrations/owned-columns.ts'
import { columnsOfPart, PART_TRIGGERS } from '../../migrations/parts.ts'
import { textArray } from '../../migrations/quote.ts'
import { keyColumns } from '../../migrations/record-key.ts'
import type { TrackOptions } from '../../migrations/track-options.ts'
import { TRIGGER_NAMES } from '../../migrations/track-table.ts'

/** A trigger with what it was created with. */
interface TriggerArguments {
  name: string
  args: string[]
}

/** The arguments that most of these triggers have: one that was made by hand doesn't count for all. */
const argsOfMost = (triggers: TriggerArguments[], names: string[], length: number): string[] | null => {
  const votes = new Map<string, number>()
  for (const { name, args } of triggers) {
    if (!names.includes(name)) continue
    const text = JSON.stringify(args.slice(0, length))
    votes.set(text, (votes.get(text) ?? 0) + 1)
  }
  const [most] = [...votes].sort(([, one], [, other]) => other - one)
  return most ? JSON.parse(most[0]) : null
}

/** The options that a table is tracked with; `null` where its own triggers are all gone. */
export const trackedOptions = (triggers: TriggerArguments[]): TrackOptions | null => {
  const own = argsOfMost(triggers, TRIGGER_NAMES, 6)
  if (!own) return null
  const [, tenant = '', lists = '', ignore = '', , owned] = own
  const [, ownNames = '', , , table = '', , , field = ''] = argsOfMost(triggers, PART_TRIGGERS, 9) ?? []
  const names = keyColumns(ownNames)
  const parents = textArray(lists)
  const ignored = textArray(ignore)
  const columns = columnsOption(ownedBy(owned))
  return {
    ...(tenant ? { tenant } : {}),
    ...(parents.length > 0 ? { lists: parents } : {}),
    ...(ignored.length > 0 ? { ignore: ignored } : {}),
    ...(columns ? { columns } : {}),
    ...(table
      ? {
          partOf: { table, column: names.length > 1 ? names : (names[0] ?? ''), ...(field ? { field } : {}) },
        }
      : {}),
    ...(triggers.some(({ name }) => VALUES_TRIGGERS.includes(name)) ? { history: 'values' } : {}),
  }
}

const literal = (value: unknown): string => {
  if (value === null) return 'null'
  if (typeof value === 'string') return `'${value.replace(/['\\]/g, '\\$&')}'`
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`
  const parts = Object.entries(value as object).map(([name, part]) => `${name}: ${literal(part)}`)
  return `{ ${parts.join(', ')} }`
}

/** `trackTable(knex, 'public.orders', { tenant: 'tenant_id' })` */
export const callOf = (table: string, options: TrackOptions): string =>
  `trackTable(knex, ${[table, ...(Object.keys(options).length > 0 ? [options] : [])].map(literal).join(', ')})`

/** A word of a command line, as a shell reads it. */
const word = (text: string) => (/^[\w.,=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`)

/** Of an option that takes no value. */
const ON = 'given'

/** What each option of `noclobber track` is for these options; left out where it isn't given. */
export const flagsOf = ({
  tenant,
  lists,
  ignore,
  columns = {},
  partOf,
  history,
}: TrackOptions): Map<string, string> => {
  const flags: [string, string | undefined][] = [
    ['--tenant', tenant],
    ['--lists', lists?.join(',')],
    ['--ignore', ignore?.join(',')],
    ['--version-column', columns.version],
    ['--updated-at-column', columns.updatedAt ?? undefined],
    ['--no-updated-at', columns.updatedAt === null ? ON : undefined],
    ['--updated-by-column', columns.updatedBy ?? undefined],
    ['--no-updated-by', columns.updatedBy === null ? ON : undefined],
    ['--history', history === 'values' ? history : undefined],
    ['--part-of', partOf && `${partOf.table}=${columnsOfPart(partOf).join(',')}`],
    ['--part-field', partOf?.field],
  ]
  return new Map(flags.filter((flag): flag is [string, string] => Boolean(flag[1])))
}

/** `npx noclobber track orders --tenant tenant_id` */
export const commandOf = (table: string, options: TrackOptions): string =>
  [
    'npx noclobber track',
    word(table),
    ...[...flagsOf(options)].flatMap(([flag, value]) =>
      flag.startsWith('--no-') ? [flag] : [flag, word(value)],
    ),
  ].join(' ')

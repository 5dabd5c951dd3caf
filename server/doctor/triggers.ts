// Checks a table's triggers: is each there, enabled, and as `trackTable` makes it?
import { createHash } from 'node:crypto'
import { VALUES_TRIGGERS } from '../../migrations/history-values.ts'
import { type Owned, ownedBy, ownedColumns, ownedList } from '../../migrations/owned-columns.ts'
import { PARENT_TRIGGER, PART_TRIGGERS } from '../../migrations/parts.ts'
import { quoteTable, textArray } from '../../migrations/quote.ts'
import { keyColumns } from '../../migrations/record-key.ts'
import { KEEP_TRIGGER, STAMP_TRIGGER, TRIGGER_NAMES, triggerNames } from '../../migrations/track-table.ts'
import { type Finding, problem } from './finding.ts'
import { callOf, trackedOptions } from './tracking-options.ts'

export interface FoundTrigger {
  name: string
  /** `O`rigin, `A`lways, `D`isabled, `R`eplica only. */
  enabled: string
  /** `noclobber.log_insert`. */
  calls: string
  shape: number
  args: string[]
  /** The names of its transition tables, old and new. */
  rows: string
  /** It has a WHEN condition or names columns. */
  narrowed: boolean
  /** How many transactions ago it was created or last switched. */
  age: number
}

/** What triggers are looked at with. */
export interface TriggeredTable {
  source: string
  /** The same as `trackTable` and a command take it: names that have dots are quoted. */
  written: string
  /** Its primary key, as the triggers' first argument has one. */
  key: string | null
  columns: string[]
  /** The types of its columns by name, as `format_type` writes them, without modifiers. */
  types: Record<string, string>
  /** Its generated columns, in their order. */
  generated: string[]
  triggers: FoundTrigger[]
  /** Its values must be kept. */
  keepsValues: boolean
  /** The tables whose rows are part of its records. */
  parts: Pick<TriggeredTable, 'written' | 'triggers'>[]
  /** The table that its own rows are part of, if that isn't tracked. */
  lostParent: string | null
}

interface Expected {
  calls: string
  shape: number
  rows: string
  narrowed: boolean
}

/** `pg_trigger.tgtype`. */
const ROW = 1
const BEFORE = 2
const INSERT = 4
const DELETE = 8
const UPDATE = 16
const TRUNCATE = 32

const ROWS: Record<number, string> = {
  [INSERT]: ',new_rows',
  [UPDATE]: 'old_rows,new_rows',
  [DELETE]: 'old_rows,',
}

const expected = (calls: string, shape: number, narrowed = false): Expected => ({
  calls: `noclobber.${calls}`,
  shape,
  rows: ROWS[shape] ?? ',',
  narrowed,
})

const EXPECTED: Record<string, Expected> = {
  [STAMP_TRIGGER]: expected('stamp_update', ROW + BEFORE + UPDATE),
  [KEEP_TRIGGER]: expected('keep_writer', ROW + BEFORE + UPDATE, true),
  [`${STAMP_TRIGGER}_key`]: expected('stamp_key', ROW + BEFORE + UPDATE, true),
  [`${STAMP_TRIGGER}_insert`]: expected('stamp_insert', ROW + BEFORE + INSERT),
  zz_noclobber_insert: expected('log_insert', INSERT),
  zz_noclobber_update: expected('log_update', UPDATE),
  zz_noclobber_delete: expected('log_delete', DELETE),
  zz_noclobber_needs_its_columns: { ...expected('log_truncate', BEFORE + UPDATE, true), rows: ',' },
  zz_noclobber_truncate: expected('log_truncate', BEFORE + TRUNCATE),
  ...Object.fromEntries(
    Object.entries({ insert: INSERT, update: UPDATE, delete: DELETE, truncate: BEFORE + TRUNCATE }).flatMap(
      ([event, shape]) => [
        [`zz_noclobber_part_${event}`, expected('touch_parents', shape)],
        [`zz_noclobber_part_${event}_raise`, { ...expected('raise_parents', shape), rows: ',' }],
        [`zz_noclobber_part_${event}_raised`, { ...expected('check_parents', shape), rows: ',' }],
      ],
    ),
  ),
  [PARENT_TRIGGER]: expected('stamp_parent', ROW + BEFORE + UPDATE, true),
  zz_noclobber_values_insert: expected('log_values', INSERT),
  zz_noclobber_values_update: expected('log_values', UPDATE),
}

/** The columns that a table's triggers own. */
export const ownedOf = (triggers: Pick<FoundTrigger, 'name' | 'args'>[]): Owned =>
  ownedBy(triggers.find(({ name, args }) => TRIGGER_NAMES.includes(name) && args.length >= 6)?.args[5])

/** The triggers that must be there: the table's own, and of parts and values all where there is one. */
const wantedOf = ({ triggers, parts, keepsValues }: TriggeredTable): string[] => {
  const hasAny = (names: string[]) => triggers.some(({ name }) => names.includes(name))
  return [
    ...triggerNames(ownedOf(triggers)),
    ...(hasAny(PART_TRIGGERS) ? PART_TRIGGERS : []),
    ...(keepsValues || hasAny(VALUES_TRIGGERS) ? VALUES_TRIGGERS : []),
    ...(parts.length > 0 ? [PARENT_TRIGGER] : []),
  ]
}

/** The arguments that a trigger must have, by those of the first of its kind and of the stamp. */
const argsFor = (name: string, triggers: FoundTrigger[]): string[] => {
  const [key = '', tenant = '', lists = '', ignore = '', tag = '', owned = ''] =
    triggers.find((trigger) => TRIGGER_NAMES.includes(trigger.name))?.args ?? []
  if (name === PARENT_TRIGGER) return []
  if (VALUES_TRIGGERS.includes(name)) return [key, ignore, owned]
  if (!PART_TRIGGERS.includes(name)) return [key, tenant, lists, ignore, tag, owned]
  const [, column = '', , ...parent] =
    triggers.find((trigger) => PART_TRIGGERS.includes(trigger.name))?.args ?? []
  return [key, column, tenant, ...parent.slice(0, 6), ownedBy(owned).version.name, ...parent.slice(7)]
}

/** What `noclobber.trigger_function` calls the function that it makes for columns of these names. */
const madeFor = (kind: string, names: string[]): string =>
  `noclobber.${kind}_${createHash('md5').update(JSON.stringify(names)).digest('hex').slice(0, 12)}`

/** The kinds of functions that are made for the names of a table's columns. */
const MADE = ['log_update', 'stamp_insert', 'stamp_key', 'stamp_update', 'keep_writer', 'stamp_parent']

/** The function that a trigger calls, where it is made for the names and types of the table's columns. */
const callOfTable = (calls: string, { triggers, types, generated }: TriggeredTable): string => {
  const kind = calls.replace('noclobber.', '')
  if (!MADE.includes(kind)) return calls
  const [key = '', tenant = '', lists = '{}', ignored = '{}', tag = ''] =
    triggers.find((trigger) => TRIGGER_NAMES.includes(trigger.name))?.args ?? []
  const list = ownedList(ownedOf(triggers))
  const owned = [...list.slice(0, 3), ...list.slice(3).map((type, at) => types[list[at] ?? ''] ?? type)]
  const names = textArray(ignored)
  for (const name of generated) if (!names.includes(name)) names.push(name)
  const further: Record<string, string[]> = { stamp_update: names, log_update: [tag, lists] }
  return madeFor(kind, [key, tenant, ...owned, ...(further[kind] ?? [])])
}

const isAltered = (trigger: FoundTrigger, table: TriggeredTable) => {
  const { name, calls, shape, args, rows, narrowed } = trigger
  const made = EXPECTED[name]
  if (!made) return false
  return (
    calls !== callOfTable(made.calls, table) ||
    shape !== made.shape ||
    rows !== made.rows ||
    narrowed !== made.narrowed ||
    JSON.stringify(args) !== JSON.stringify(argsFor(name, table.triggers))
  )
}

/** Columns that the triggers go by and that were renamed or dropped since. */
const lostColumns = ({ triggers, key, columns }: TriggeredTable): string[] => {
  const stamp = triggers.find(({ name }) => name === STAMP_TRIGGER)
  if (!stamp) return []
  const [ownKey = '', tenant = '', lists = '{}'] = stamp.args
  const part = triggers.find(({ name }) => PART_TRIGGERS.includes(name))
  const named = [
    ...(tenant ? [tenant] : []),
    ...textArray(lists),
    ...(part?.args[1] ? keyColumns(part.args[1]) : []),
  ]
  return [...(ownKey === key ? [] : keyColumns(ownKey)), ...named.filter((name) => !columns.includes(name))]
}

/** Columns that the triggers own and that are gone. */
export const lostOwned = ({ triggers, columns }: Pick<TriggeredTable, 'triggers' | 'columns'>): string[] =>
  ownedColumns(ownedOf(triggers))
    .map(({ name }) => name)
    .filter((name) => triggers.length > 0 && !columns.includes(name))

/** The advice to track a table again, with the options that its triggers have, and those that are asked of it. */
export const trackAgain = ({
  written,
  triggers,
  keepsValues = false,
}: Pick<TriggeredTable, 'written' | 'triggers'> & { keepsValues?: boolean }): string => {
  const options = trackedOptions(triggers)
  if (!options)
    return `Call trackTable(knex, '${written}', ${keepsValues ? `{ …, history: 'values' }` : '…'}) in a migration, with the same options if it was tracked before.`
  if (keepsValues && options.history !== 'values')
    return `Call ${callOf(written, { ...options, history: 'values' })} in a migration: the options that it has, and history: 'values', which it lacks.`
  return `Call ${callOf(written, options)} again, in a migration: these are the options that its triggers have.`
}

const withoutParent = (triggers: FoundTrigger[]) => {
  const { partOf: _, ...options } = trackedOptions(triggers) ?? {}
  return options
}

/** Who tracks the rows puts back what raises the version of the record that they are part of. */
const bringBack = (table: TriggeredTable, missing: string[]): string => {
  const [part] = table.parts
  const isOwn = missing.some((name) => name !== PARENT_TRIGGER)
  return [
    ...(isOwn ? [trackAgain(table)] : []),
    ...(part && missing.includes(PARENT_TRIGGER) ? [trackAgain(part)] : []),
  ].join(' ')
}

/** What is wrong with a table's triggers. */
export const triggerFindings = (table: TriggeredTable): Finding[] => {
  const { source, triggers, lostParent } = table
  const again = trackAgain(table)
  if (triggers.length === 0)
    return [problem('not_tracked', source, 'The table has no triggers: its changes are not seen.', again)]
  const findings: Finding[] = []
  const missing = wantedOf(table).filter((name) => !triggers.some((trigger) => trigger.name === name))
  if (missing.length > 0)
    findings.push(
      problem(
        'trigger_missing',
        source,
        `Triggers are missing: ${missing.join(', ')}.`,
        bringBack(table, missing),
      ),
    )
  const off = triggers.filter(({ enabled }) => enabled === 'D' || enabled === 'R').map(({ name }) => name)
  if (off.length > 0)
    findings.push(
      problem(
        'trigger_disabled',
        source,
        `Triggers are switched off: ${off.join(', ')}.`,
        `Run: alter table ${quoteTable(table.written)} enable trigger user;`,
      ),
    )
  const altered = triggers.filter((trigger) => isAltered(trigger, table)).map(({ name }) => name)
  if (altered.length > 0)
    findings.push(
      problem(
        'trigger_altered',
        source,
        `Triggers are not as trackTable makes them: ${altered.join(', ')}.`,
        again,
      ),
    )
  const dropped = lostOwned(table)
  if (dropped.length > 0)
    findings.push(
      problem(
        'column_missing',
        source,
        `Columns that the triggers need were dropped: ${dropped.join(', ')}. Every write of the table fails.`,
        `Run: npx noclobber doctor --repair. It brings them back, with the versions that the log has. Then exclude them from what changes the table.`,
      ),
    )
  const lost = lostColumns(table)
  if (lost.length > 0)
    findings.push(
      problem(
        'trigger_altered',
        source,
        `The triggers go by columns that are not there any more, or not the key: ${lost.join(', ')}.`,
        `Call trackTable(knex, '${table.written}', …) again, with the columns' names as they are now.`,
      ),
    )
  if (lostParent)
    findings.push(
      problem(
        'parent_not_tracked',
        source,
        `Its rows are part of ${lostParent}, which is not tracked or not there: no version rises with them, or each write fails.`,
        `Track ${lostParent} and then ${source} again; or call ${callOf(table.written, withoutParent(triggers))}, without partOf.`,
      ),
    )
  if (table.parts.length === 0 && triggers.some(({ name }) => name === PARENT_TRIGGER))
    findings.push({
      code: 'parts_missing',
      level: 'note',
      table: source,
      message: 'Its versions rose with its parts, and no table is tracked as part of it any more.',
      advice: `Track the parts again with partOf; or, if that is meant: drop trigger ${PARENT_TRIGGER} on ${quoteTable(table.written)};`,
    })
  return findings
}

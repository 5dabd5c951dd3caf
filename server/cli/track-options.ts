// How a table is tracked, as options of the command line.
import type { TrackColumns, TrackOptions } from '../../migrations/index.ts'
import { list, text, UsageError, type Values } from './command.ts'

export const TRACK_HELP = [
  '  --tenant COLUMN  the tenant of each row; none: the rows belong to all tenants alike',
  '  --lists COLUMNS  parent columns by which lists of it are watched',
  '  --ignore COLUMNS housekeeping columns: a write of these alone makes no version',
  '  --version-column COLUMN, --updated-at-column COLUMN, --updated-by-column COLUMN',
  '                   the columns of the triggers, where they aren’t version, updated_at and updated_by',
  '  --no-updated-at, --no-updated-by',
  '                   it has no column for the time, or for the writer: the log alone knows',
  '  --history values keep what each field was and became, not its name alone',
  '  --part-of TABLE=COLUMN',
  '                   its rows are part of that table’s, by this column of theirs: orders=order_id; by several,',
  '                   in the order of its key: orders=year,number',
  '  --part-field NAME what the parent’s changed_fields call its parts',
]

export const TRACK_OPTIONS = {
  tenant: { type: 'string' },
  lists: { type: 'string' },
  ignore: { type: 'string' },
  history: { type: 'string' },
  'version-column': { type: 'string' },
  'updated-at-column': { type: 'string' },
  'updated-by-column': { type: 'string' },
  'no-updated-at': { type: 'boolean' },
  'no-updated-by': { type: 'boolean' },
  'part-of': { type: 'string' },
  'part-field': { type: 'string' },
} as const

/** @throws UsageError for a column that is named and left out. */
const columnsOf = (values: Values): TrackColumns => {
  const version = text(values, 'version-column')
  const optional = (what: 'updated-at' | 'updated-by'): string | null | undefined => {
    const name = text(values, `${what}-column`)
    if (values[`no-${what}`] !== true) return name
    if (name !== undefined) throw new UsageError(`--no-${what} and --${what}-column exclude each other.`)
    return null
  }
  const [updatedAt, updatedBy] = [optional('updated-at'), optional('updated-by')]
  return {
    ...(version === undefined ? {} : { version }),
    ...(updatedAt === undefined ? {} : { updatedAt }),
    ...(updatedBy === undefined ? {} : { updatedBy }),
  }
}

/** `order_id`, or several: `year,number`. */
const columnOf = (written: string): string | string[] => {
  const names = written.split(',').map((name) => name.trim())
  return names.length > 1 ? names : written
}

/** @throws UsageError for what is no way to track a table. */
export const trackOptionsOf = (values: Values): TrackOptions => {
  const tenant = text(values, 'tenant')
  const lists = list(values, 'lists')
  const ignore = list(values, 'ignore')
  const history = text(values, 'history')
  if (history !== undefined && history !== 'fields' && history !== 'values')
    throw new UsageError('--history is fields or values.')
  const parent = text(values, 'part-of')
  const [, parentTable, column] = /^(.+)=(.+)$/.exec(parent ?? '') ?? []
  const field = text(values, 'part-field')
  const columns = columnsOf(values)
  if (parent !== undefined && (!parentTable || !column))
    throw new UsageError('--part-of names the parent and the column that holds its key: orders=order_id.')
  return {
    ...(tenant ? { tenant } : {}),
    ...(lists.length > 0 ? { lists } : {}),
    ...(ignore.length > 0 ? { ignore } : {}),
    ...(Object.keys(columns).length > 0 ? { columns } : {}),
    ...(history ? { history } : {}),
    ...(parentTable && column
      ? { partOf: { table: parentTable, column: columnOf(column), ...(field && { field }) } }
      : {}),
  }
}

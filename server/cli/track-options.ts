// How a table is tracked, as options of the command line.
import type { TrackOptions } from '../../migrations/index.ts'
import { list, text, UsageError, type Values } from './command.ts'

export const TRACK_HELP = [
  '  --tenant COLUMN  the tenant of each row; none: the rows belong to all tenants alike',
  '  --lists COLUMNS  parent columns by which lists of it are watched',
  '  --ignore COLUMNS housekeeping columns: a write of these alone makes no version',
  '  --history values keep what each field was and became, not its name alone',
  '  --part-of TABLE=COLUMN',
  '                   its rows are part of that table’s, by this column of theirs: orders=order_id',
  '  --part-field NAME what the parent’s changed_fields call its parts',
]

export const TRACK_OPTIONS = {
  tenant: { type: 'string' },
  lists: { type: 'string' },
  ignore: { type: 'string' },
  history: { type: 'string' },
  'part-of': { type: 'string' },
  'part-field': { type: 'string' },
} as const

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
  if (parent !== undefined && (!parentTable || !column))
    throw new UsageError('--part-of names the parent and the column that holds its key: orders=order_id.')
  return {
    ...(tenant ? { tenant } : {}),
    ...(lists.length > 0 ? { lists } : {}),
    ...(ignore.length > 0 ? { ignore } : {}),
    ...(history ? { history } : {}),
    ...(parentTable && column ? { partOf: { table: parentTable, column, ...(field && { field }) } } : {}),
  }
}

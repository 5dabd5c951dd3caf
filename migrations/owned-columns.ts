// The columns that the triggers own: those for a record's version, time and writer, whatever a table calls them and of whatever
// types it has them. They stand in the arguments of the triggers, and there alone.
// Invariant: a column that a trigger names can't be dropped or given another type, so what the arguments say stays so.
import { createHash } from 'node:crypto'
import { arrayText, textArray } from './quote.ts'

/** Which columns of a table the triggers own. One that is missing is added. */
export interface TrackColumns {
  /** `bigint` or `integer`. Default `version`. */
  version?: string
  /** A timestamp, in UTC where it has no time zone. `null`: none; the log alone knows the time. Default `updated_at`. */
  updatedAt?: string | null
  /**
   * `jsonb` gets the writer. A `bigint`, `integer`, `uuid`, `text` or `varchar` gets the writer's id: null where that is no such
   * value or, of a foreign key, no such row. `null`: none; the log alone knows the writer. Default `updated_by`.
   */
  updatedBy?: string | null
}

export interface OwnedColumn {
  name: string
  /** As `format_type` writes it, without a modifier. */
  type: string
}

export interface Owned {
  version: OwnedColumn
  updatedAt: OwnedColumn | null
  updatedBy: OwnedColumn | null
}

/** What a missing column is made as. */
export const PLAIN: { [column in keyof Owned]: OwnedColumn } = {
  version: { name: 'version', type: 'bigint' },
  updatedAt: { name: 'updated_at', type: 'timestamp with time zone' },
  updatedBy: { name: 'updated_by', type: 'jsonb' },
}

/** The columns that are there, in their order. */
export const ownedColumns = ({ version, updatedAt, updatedBy }: Owned): OwnedColumn[] =>
  [version, updatedAt, updatedBy].filter((column) => column !== null)

export const ownedNames = (owned: Owned): string[] => ownedColumns(owned).map(({ name }) => name)

/** As the SQL functions take it: the three names, then the types; empty where there is none. */
export const ownedList = ({ version, updatedAt, updatedBy }: Owned): string[] => {
  const columns = [version, updatedAt, updatedBy]
  return [...columns.map((column) => column?.name ?? ''), ...columns.map((column) => column?.type ?? '')]
}

/** The sixth argument of a table's triggers. */
export const ownedArgument = (owned: Owned): string => arrayText(ownedList(owned))

/** Reads {@link ownedArgument}. Anything else is as a table has it that was tracked without naming columns. */
export const ownedBy = (argument: string | undefined): Owned => {
  const [version, updatedAt, updatedBy, ...types] = textArray(argument ?? '')
  if (!version) return PLAIN
  const column = (name: string | undefined, at: number) => (name ? { name, type: types[at] ?? '' } : null)
  return {
    version: { name: version, type: types[0] ?? '' },
    updatedAt: column(updatedAt, 1),
    updatedBy: column(updatedBy, 2),
  }
}

/** The option that these columns are; `undefined` where all have their plain names and types. */
export const columnsOption = (owned: Owned): TrackColumns | undefined => {
  const option: TrackColumns = {}
  const isPlain = (column: keyof Owned) =>
    owned[column]?.name === PLAIN[column]?.name &&
    (column === 'version' || owned[column]?.type === PLAIN[column]?.type)
  if (!isPlain('version')) option.version = owned.version.name
  if (!isPlain('updatedAt')) option.updatedAt = owned.updatedAt?.name ?? null
  if (!isPlain('updatedBy')) option.updatedBy = owned.updatedBy?.name ?? null
  return Object.keys(option).length > 0 ? option : undefined
}

/** A tag for a table tracked in this way: the triggers' fifth argument, by their others. It is another one after the table was renamed. */
export const tagOf = (
  source: string,
  [key = '', tenant = '', lists = '', ignored = '', , owned]: string[],
): string =>
  createHash('md5')
    .update(
      `${source}\n${[key, tenant, lists, ignored, ...(columnsOption(ownedBy(owned)) ? [owned] : [])].join()}`,
    )
    .digest('hex')
    .slice(0, 12)

/** Whether triggers with these arguments were made when the table had another name, or was in another schema. */
export const isFormerName = (source: string, args: string[]): boolean =>
  Boolean(args[4]) && args[4] !== tagOf(source, args)

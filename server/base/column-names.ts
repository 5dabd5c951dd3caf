// What a column is called. Within the server, as on the wire, it goes by its field's name; SQL and the log go by its own.
// Invariant: only these functions lead from one name to the other. A column that is no field keeps its own name, unless a field
// of another column has that.
import type { RecordType } from './record-type.ts'

export interface ColumnNames {
  /** The column's own name, by what it goes by. */
  columnOf(name: string): string
  /** What a column goes by. */
  fieldOf(column: string): string
}

/** @param refuse Called with a sentence where two fields are one column. */
export const columnNames = (
  { fields: declared, columnOf: mapped }: Pick<RecordType, 'fields' | 'columnOf'>,
  columns: { name: string }[],
  refuse: (why: string) => never,
): ColumnNames => {
  const fields = Object.keys(declared)
  if (Object.keys(mapped).length === 0) return { columnOf: (name) => name, fieldOf: (column) => column }
  const fieldByColumn = new Map<string, string>()
  for (const field of fields) {
    const column = Object.hasOwn(mapped, field) ? (mapped[field] as string) : field
    const other = fieldByColumn.get(column)
    if (other !== undefined)
      refuse(`its fields ${other} and ${field} are one column, ${column}. Name another in columnOf.`)
    fieldByColumn.set(column, field)
  }
  const taken = new Set(fields)
  for (const { name: column } of columns) {
    if (fieldByColumn.has(column)) continue
    let name = column
    while (taken.has(name)) name = `column ${name}`
    taken.add(name)
    fieldByColumn.set(column, name)
  }
  const columnByField = new Map([...fieldByColumn].map(([column, field]) => [field, column]))
  return {
    columnOf: (name) => columnByField.get(name) ?? name,
    fieldOf: (column) => fieldByColumn.get(column) ?? column,
  }
}

// The columns of the table of parts: what each shows, and from which width on it is there.
import { formatMoney } from '../base/format.ts'
import type { PartFields } from '../base/records.ts'
import { PART_WORDS } from './part-words.ts'

export type PartColumn = keyof PartFields

export interface PartColumnSpec {
  column: PartColumn
  className: string
  text: (fields: PartFields) => string
}

export const PART_COLUMNS: readonly PartColumnSpec[] = [
  { column: 'code', className: 'figures part-code', text: ({ code }) => code },
  { column: 'name', className: 'part-name', text: ({ name }) => name },
  { column: 'supplier', className: 'at-medium part-supplier', text: ({ supplier }) => supplier },
  { column: 'stock', className: 'figures right part-stock', text: ({ stock }) => PART_WORDS.stock(stock) },
  { column: 'price', className: 'figures right at-medium', text: ({ price }) => formatMoney(price) },
]

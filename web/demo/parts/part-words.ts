// The texts of the page of parts, as data.

const number = (value: number) => value.toLocaleString('en-GB')

export const PART_WORDS = {
  title: 'Parts',
  caption: 'Parts; the column heads sort the table. More rows are loaded as you scroll.',
  search: 'Search parts',
  searchHint: 'Name',
  failed: 'The parts could not be loaded.',
  none: 'No part matches.',
  clear: 'Clear the filter',
  empty: 'There are no parts yet.',
  stocks: { all: 'All', low: 'Fewer than 20', none: 'Out of stock' },
  counting: 'Counting…',
  count: (count: number, stock: number) =>
    `${count === 1 ? '1 part' : `${number(count)} parts`}, ${number(stock)} in stock`,
  columns: { code: 'Code', name: 'Part', supplier: 'Supplier', stock: 'Stock', price: 'Price' },
  toStart: 'To the start',
  toEnd: 'To the end',
  loading: 'Loading more…',
  busyHint: 'A colleague moves stock of the parts in sight for a minute',
  stock: number,
} as const

// Parts of the tables of which only the visible rows are rendered.

interface SortHeadProps<C extends string> {
  column: C
  className: string
  label: string
  /** The column that the table is sorted by, `-` before it for descending. */
  sort: string
  onSort: (column: C) => void
}

/** A column's head, whose button sorts by it. */
export const SortHead = <C extends string>({ column, className, label, sort, onSort }: SortHeadProps<C>) => {
  const direction = sort === column ? 'ascending' : sort === `-${column}` ? 'descending' : undefined
  return (
    <th scope="col" className={className} aria-sort={direction}>
      <button type="button" className="sort" onClick={() => onSort(column)}>
        {label}
      </button>
    </th>
  )
}

/** A cell of a row that is not loaded yet. */
export const SkeletonCell = ({ className, row }: { className: string; row: number }) => (
  <td className={className}>
    <span className="skeleton" style={{ width: `${80 - ((row * 17) % 40)}%` }} />
  </td>
)

/** The place of rows that are out of sight. */
export const Gap = ({ height }: { height: number }) =>
  height > 0 ? (
    <tr className="task-gap" style={{ height }}>
      <td />
    </tr>
  ) : null

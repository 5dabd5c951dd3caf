// The table of parts: of a list of any length some hundred rows are held, and of those the visible ones are rendered. The row that
// somebody looks at stays where it is on the screen, whatever is loaded or dropped above it.
import { useVirtualizer } from '@tanstack/react-virtual'
import type { RowHighlight } from 'noclobber/client'
import type { LiveList } from 'noclobber/react'
import { memo, useEffect, useRef } from 'react'
import type { Part, PartFields } from '../base/records.ts'
import { Gap, SkeletonCell, SortHead } from '../base/TableParts.tsx'
import { useAnchoredScroll } from '../base/useAnchoredScroll.ts'
import { useRowHeight } from '../base/useRowHeight.ts'
import { PART_COLUMNS, type PartColumn } from './part-columns.ts'
import { PART_WORDS } from './part-words.ts'

export interface PartTableProps {
  list: LiveList<PartFields>
  /** How many there are in all; `null`: not known yet. */
  count: number | null
  /** Another list is shown from its top. */
  listKey: string
  sort: string
  onSort: (column: PartColumn) => void
  /** The rows in sight, by id. */
  onSeen: (ids: readonly string[]) => void
}

const Head = ({ sort, onSort }: Pick<PartTableProps, 'sort' | 'onSort'>) => (
  <thead>
    <tr>
      {PART_COLUMNS.map(({ column, className }) => (
        <SortHead key={column} label={PART_WORDS.columns[column]} {...{ column, className, sort, onSort }} />
      ))}
    </tr>
  </thead>
)

const Cells = memo(({ part, highlight }: { part: Part; highlight: RowHighlight | undefined }) =>
  PART_COLUMNS.map(({ column, className, text }) => {
    const isNew = highlight === 'arrived' || highlight?.includes(column) === true
    return (
      <td key={column} className={isNew ? `${className} nc-highlight` : className}>
        {text(part.fields)}
      </td>
    )
  }),
)

const SkeletonRows = () =>
  Array.from({ length: 12 }, (_, row) => (
    <tr key={row}>
      {PART_COLUMNS.map(({ column, className }) => (
        <SkeletonCell key={column} className={className} row={row} />
      ))}
    </tr>
  ))

export const PartTable = ({ list, count, listKey, sort, onSort, onSeen }: PartTableProps) => {
  const { rows, window, highlighted, status } = list
  const place = useRef<HTMLDivElement>(null)
  const isStart = window?.isStart ?? true
  const rowHeight = useRowHeight()
  useAnchoredScroll(place, { rows, rowHeight, listKey, isStart })
  const virtualizer = useVirtualizer({
    count: rows.length,
    getScrollElement: () => place.current,
    estimateSize: () => rowHeight,
    overscan: 8,
  })
  const items = virtualizer.getVirtualItems()
  const { startIndex = 0, endIndex = 0 } = virtualizer.range ?? {}
  const { showing } = window ?? {}
  useEffect(() => {
    showing?.(startIndex, endIndex)
    onSeen(rows.slice(startIndex, endIndex + 1).map(({ id }) => id))
  }, [rows, showing, onSeen, startIndex, endIndex])
  /** To one end of the list, which is then in sight. */
  const go = async (end: 'toStart' | 'toEnd') => {
    if (window && !(end === 'toStart' ? window.isStart : window.isEnd)) await window[end]()
    requestAnimationFrame(() => {
      if (place.current) place.current.scrollTop = end === 'toStart' ? 0 : place.current.scrollHeight
    })
  }
  const above = items[0]?.start ?? 0
  const below = virtualizer.getTotalSize() - (items.at(-1)?.end ?? 0)
  return (
    <>
      <section
        className="task-scroll"
        ref={place}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be scrolled by keys.
        tabIndex={0}
        aria-label={PART_WORDS.title}
        onKeyDown={(event) => {
          if (event.key !== 'Home' && event.key !== 'End') return
          event.preventDefault()
          void go(event.key === 'Home' ? 'toStart' : 'toEnd')
        }}
      >
        <table
          className="table task-table part-table"
          aria-rowcount={count === null ? -1 : count + 1}
          aria-busy={status === 'loading'}
        >
          <caption className="visually-hidden">{PART_WORDS.caption}</caption>
          <Head sort={sort} onSort={onSort} />
          <tbody>
            {status === 'loading' && <SkeletonRows />}
            <Gap height={above} />
            {items.map(({ index }) => {
              const part = rows[index]
              if (!part) return null
              return (
                <tr key={part.id} data-id={part.id} {...(isStart && { 'aria-rowindex': index + 2 })}>
                  <Cells part={part} highlight={highlighted.get(part.id)} />
                </tr>
              )
            })}
            <Gap height={below} />
          </tbody>
        </table>
      </section>
      <div className="part-moves">
        <span className="soft" role="status">
          {window?.loading && PART_WORDS.loading}
        </span>
        <button type="button" className="button" onClick={() => go('toStart')}>
          {PART_WORDS.toStart}
        </button>
        <button type="button" className="button" onClick={() => go('toEnd')}>
          {PART_WORDS.toEnd}
        </button>
      </div>
    </>
  )
}

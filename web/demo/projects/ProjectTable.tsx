// The table of projects. Each row is one link; column heads sort and show the direction.
import type { RowHighlight, UnsentRow } from 'noclobber/client'
import { PresenceRow, TimeAgo, UnsentMark } from 'noclobber/react'
import { memo } from 'react'
import { formatDay, formatMoney } from '../base/format.ts'
import { Badge, Link, writerName } from '../base/Parts.tsx'
import { PROJECT_STATUSES, type Project, projectAddress } from '../base/records.ts'
import { useSession } from '../base/session.ts'
import { WORDS } from '../base/words.ts'

type Column = 'number' | 'name' | 'client' | 'status' | 'starts_on' | 'ends_on' | 'budget' | 'updated_at'

/** The column that orders the table, and which way. */
export interface SortColumn {
  column: Column
  descending: boolean
}

const COLUMNS: { column: Column; className?: string }[] = [
  { column: 'number', className: 'at-medium' },
  { column: 'name', className: 'wide' },
  { column: 'client', className: 'client at-medium' },
  { column: 'status' },
  { column: 'starts_on', className: 'at-large' },
  { column: 'ends_on', className: 'at-medium' },
  { column: 'budget', className: 'right at-medium' },
  { column: 'updated_at', className: 'changed at-large' },
]

const sortKey = ({ fields, updated_at }: Project, column: Column): string | number | null => {
  if (column === 'updated_at') return updated_at
  return column === 'status' ? PROJECT_STATUSES.indexOf(fields.status) : (fields[column] ?? null)
}

const collator = new Intl.Collator('en', { numeric: true })

const compare = (a: string | number | null, b: string | number | null): number => {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1
  return typeof a === 'number' && typeof b === 'number' ? a - b : collator.compare(String(a), String(b))
}

/** The projects in the table's order; ties stay in the order of their names. */
export const sortProjects = (projects: Project[], { column, descending }: SortColumn): Project[] =>
  projects.toSorted((a, b) => {
    const order = compare(sortKey(a, column), sortKey(b, column))
    return (descending ? -order : order) || collator.compare(a.fields.name, b.fields.name)
  })

/** Rendered again only when its project changed or is highlighted. */
interface RowProps {
  project: Project
  highlight: RowHighlight | undefined
  unsent: UnsentRow | undefined
}

const Row = memo(({ project, highlight, unsent }: RowProps) => {
  const session = useSession()
  const ownId = session.status === 'signed_in' ? session.person.id : null
  const { id, fields, updated_at, updated_by } = project
  return (
    <tr className={highlight ? 'row-link nc-highlight' : 'row-link'} data-unsent={unsent?.what}>
      <td className="soft figures at-medium">{fields.number}</td>
      <td className="wide">
        <Link to={projectAddress(id)}>{fields.name}</Link>
        {unsent ? (
          <UnsentMark list={{ unsent: new Map([[id, unsent]]) }} id={id} />
        ) : (
          <PresenceRow type="project" id={id} userId={ownId} />
        )}
        <span className="second">{`${fields.client ?? ''} · ${formatMoney(fields.budget ?? null)}`}</span>
      </td>
      <td className="client at-medium">{fields.client}</td>
      <td>
        <Badge tone={fields.status}>{WORDS.statuses[fields.status]}</Badge>
      </td>
      <td className="figures at-large">{formatDay(fields.starts_on ?? null)}</td>
      <td className="figures at-medium">{formatDay(fields.ends_on ?? null)}</td>
      <td className="right figures at-medium">{formatMoney(fields.budget ?? null)}</td>
      <td className="soft changed at-large">
        {updated_at !== '' && (
          <>
            {writerName(updated_by)}, <TimeAgo at={updated_at} />
          </>
        )}
      </td>
    </tr>
  )
})

const SkeletonRow = ({ width }: { width: number }) => (
  <tr>
    {COLUMNS.map(({ column, className }) => (
      <td key={column} className={className}>
        <span className="skeleton" style={{ width: `${width}%` }} />
      </td>
    ))}
  </tr>
)

/** `projects` is null while they load. */
export const ProjectTable = (props: {
  projects: Project[] | null
  /** What somebody else changed a moment ago. */
  highlighted: ReadonlyMap<string, RowHighlight>
  unsent: ReadonlyMap<string, UnsentRow>
  sort: SortColumn
  onSort: (sort: SortColumn) => void
}) => {
  const { projects, highlighted, unsent, sort, onSort } = props
  const labels: Record<Column, string> = { ...WORDS.fields, updated_at: WORDS.projects.changed }
  return (
    <table className="table" aria-busy={projects === null}>
      <caption className="visually-hidden">{WORDS.projects.caption}</caption>
      <thead>
        <tr>
          {COLUMNS.map(({ column, className }) => {
            const isSorted = sort.column === column
            const direction = sort.descending ? 'descending' : 'ascending'
            return (
              <th key={column} className={className} scope="col" aria-sort={isSorted ? direction : undefined}>
                <button
                  type="button"
                  className="sort"
                  onClick={() => onSort({ column, descending: isSorted && !sort.descending })}
                >
                  {labels[column]}
                </button>
              </th>
            )
          })}
        </tr>
      </thead>
      <tbody>
        {projects
          ? projects.map((project) => (
              <Row
                key={project.id}
                project={project}
                highlight={highlighted.get(project.id)}
                unsent={unsent.get(project.id)}
              />
            ))
          : [70, 48, 62, 80, 54, 66, 45, 74, 58, 68].map((width) => (
              <SkeletonRow key={width} width={width} />
            ))}
      </tbody>
    </table>
  )
}

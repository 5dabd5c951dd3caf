// A hundred thousand parts in one live table: a window of the list is held, and moves as somebody scrolls.
import type { LiveListQuery } from 'noclobber/client'
import { ListBar, useLiveCount, useLiveList } from 'noclobber/react'
import { useCallback, useEffect, useMemo, useRef, useState } from 'react'
import { BusyColleague } from '../base/BusyColleague.tsx'
import { useSeen } from '../base/ChangedLink.tsx'
import { Sentence } from '../base/Parts.tsx'
import type { PartFields } from '../base/records.ts'
import type { Person } from '../base/session.ts'
import { Toolbar } from '../base/Toolbar.tsx'
import { useSettled } from '../base/useSettled.ts'
import { WORDS } from '../base/words.ts'
import { colleagueName } from '../panels/colleagues.ts'
import { Header } from '../panels/Header.tsx'
import { PartTable } from './PartTable.tsx'
import type { PartColumn } from './part-columns.ts'
import { PART_WORDS } from './part-words.ts'

const WINDOW = { size: 100 }

type Stock = keyof typeof PART_WORDS.stocks
const STOCKS: Record<Stock, NonNullable<LiveListQuery['where']>> = {
  all: {},
  low: { stock: { lt: 20 } },
  none: { stock: 0 },
}

export const PartsPage = ({ person }: { person: Person }) => {
  useSeen('part')
  const [text, setText] = useState('')
  const [stock, setStock] = useState<Stock>('all')
  const [sort, setSort] = useState('code')
  const search = useSettled(text.trim(), 250)
  const where = useMemo(
    () => ({ ...STOCKS[stock], ...(search && { name: { contains: search } }) }),
    [stock, search],
  )
  const list = useLiveList<PartFields>('part', { where, sort, window: WINDOW })
  const { count, sums } = useLiveCount('part', { where, sum: ['stock'] })
  const seen = useRef<readonly string[]>([])
  const onSeen = useCallback((ids: readonly string[]) => {
    seen.current = ids
  }, [])
  useEffect(() => {
    document.title = WORDS.page.title(PART_WORDS.title)
  }, [])
  const clear = () => {
    setText('')
    setStock('all')
  }
  return (
    <>
      <Header person={person} place={PART_WORDS.title} />
      <main id="content" className="page page-tasks">
        <div className="project-title">
          <h1>{PART_WORDS.title}</h1>
          {person.role === 'editor' && (
            <BusyColleague
              name={colleagueName(person)}
              hint={PART_WORDS.busyHint}
              ofThese={() => ({ parts: seen.current.slice(0, 50) })}
            />
          )}
        </div>
        <Toolbar
          {...{ text, onText: setText, chosen: stock, onChoose: setStock }}
          label={PART_WORDS.search}
          hint={PART_WORDS.searchHint}
          choices={(Object.keys(STOCKS) as Stock[]).map(
            (choice) => [choice, PART_WORDS.stocks[choice]] as const,
          )}
        >
          {count === null ? PART_WORDS.counting : PART_WORDS.count(count, Number(sums.stock))}
        </Toolbar>
        <ListBar list={list} />
        <div className="card task-card part-card">
          {list.status === 'failed' ? (
            <Sentence text={PART_WORDS.failed} action={WORDS.projects.retry} onAction={list.reload} />
          ) : list.isEmpty ? (
            search !== '' || stock !== 'all' ? (
              <Sentence text={PART_WORDS.none} action={PART_WORDS.clear} onAction={clear} />
            ) : (
              <Sentence text={PART_WORDS.empty} />
            )
          ) : (
            <PartTable
              {...{ list, count, sort, onSeen }}
              listKey={`${JSON.stringify(where)} ${sort}`}
              onSort={(column: PartColumn) => setSort((now) => (now === column ? `-${column}` : column))}
            />
          )}
        </div>
      </main>
    </>
  )
}

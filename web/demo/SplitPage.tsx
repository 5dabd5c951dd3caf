// Two people side by side on one record, in one window: two frames, each with a token of its own.
import { useMemo } from 'react'
import { Steps } from './base/Steps.tsx'
import { WORDS } from './base/words.ts'

const PEOPLE = [
  { id: 'alice', name: 'Alice' },
  { id: 'bob', name: 'Bob' },
]

export const SplitPage = () => {
  const id = useMemo(() => new URLSearchParams(location.search).get('id') ?? '1', [])
  return (
    <div className="split">
      <header className="header">
        <h1>{WORDS.split.title}</h1>
        <Steps />
        <div className="header-end">
          <a className="button" href={`/projects/${encodeURIComponent(id)}`}>
            {WORDS.split.exit}
          </a>
        </div>
      </header>
      <main className="split-frames">
        {PEOPLE.map((person) => (
          <iframe
            key={person.id}
            title={WORDS.split.frame(person.name)}
            src={`/projects/${encodeURIComponent(id)}?as=${person.id}`}
          />
        ))}
      </main>
    </div>
  )
}

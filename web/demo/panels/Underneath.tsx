// The panel that shows what the library does: its devtools, and buttons that act as a colleague or write SQL. A column at the right, on
// a phone a sheet from below.
import { useEffect, useRef, useState } from 'react'
import { asPerson } from '../base/router.ts'
import { askDemo, type Person, useSession } from '../base/session.ts'
import { WORDS } from '../base/words.ts'
import { colleagueName } from './colleagues.ts'

interface UnderneathProps {
  id: string
  person: Person
  version: number | null
  isOpen: boolean
  onToggle: (isOpen: boolean) => void
}

const words = WORDS.underneath

/** The library's own devtools, drawn in here apart from the page's styles. */
const Inside = () => {
  const place = useRef<HTMLDivElement>(null)
  const session = useSession()
  const devtools = session.status === 'signed_in' ? session.devtools : null
  useEffect(() => (place.current && devtools ? devtools.mount(place.current) : undefined), [devtools])
  return <div className="underneath-devtools" ref={place} />
}

const Plays = ({ id, person }: { id: string; person: Person }) => {
  const [sql, setSql] = useState<string | null>(null)
  const [failed, setFailed] = useState(false)
  const colleague = colleagueName(person)

  const play = async (act: 'status' | 'rename' | 'agent' | 'sql') => {
    const answer = await askDemo<{ sql?: string }>('/play', 'POST', { act, id })
    setFailed(answer === null)
    setSql(answer?.sql ?? null)
  }
  return (
    <>
      <p className="plays-hint soft">{words.hint}</p>
      <fieldset className="plays">
        <legend>{words.others}</legend>
        <button type="button" className="button" onClick={() => play('status')}>
          {words.changeStatus(colleague)}
        </button>
        <button type="button" className="button" onClick={() => play('rename')}>
          {words.rename(colleague)}
        </button>
        <button type="button" className="button" onClick={() => play('agent')}>
          {words.agent}
        </button>
        <button type="button" className="button" onClick={() => play('sql')}>
          {words.sql}
        </button>
      </fieldset>
      {asPerson === null && (
        <p className="plays">
          <a className="button" href={`/split?id=${encodeURIComponent(id)}`}>
            {words.split}
          </a>
        </p>
      )}
      {failed && (
        <p className="ran field-error" role="alert">
          {words.failed}
        </p>
      )}
      {sql && (
        <p className="ran soft">
          {words.ran}
          <code>{sql}</code>
        </p>
      )}
    </>
  )
}

export const Underneath = ({ id, person, version, isOpen, onToggle }: UnderneathProps) => {
  if (!isOpen) {
    return (
      <button type="button" className="underneath-tab" onClick={() => onToggle(true)}>
        <strong>{words.title}</strong>
        <span className="soft figures">{version !== null && WORDS.history.version(version)}</span>
      </button>
    )
  }
  return (
    <aside className="card underneath" aria-label={words.title}>
      <div className="card-head">
        <h2>{words.title}</h2>
        <button type="button" className="button button-quiet" onClick={() => onToggle(false)}>
          {words.close}
        </button>
      </div>
      <div className="underneath-body">
        {id !== '' && (
          <>
            <h3>{words.play}</h3>
            <Plays id={id} person={person} />
          </>
        )}
        <h3>{words.inside}</h3>
        <Inside />
      </div>
    </aside>
  )
}

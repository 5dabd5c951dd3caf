// The panel that shows what the library does: versions, the transport, each event as it arrives. Its buttons act as a
// colleague, write SQL, or cut the connection. A column at the right, on a phone a sheet from below.
import type { ConnectionState } from 'noclobber/client'
import { useRecordClient } from 'noclobber/react'
import { useState } from 'react'
import { isCablePulled, plugCableIn, pullCable } from '../base/cable.ts'
import { asPerson } from '../base/router.ts'
import { askDemo, type Person } from '../base/session.ts'
import { WORDS } from '../base/words.ts'
import { colleagueName } from './colleagues.ts'
import { EventList } from './EventList.tsx'

interface UnderneathProps {
  id: string
  person: Person
  version: number | null
  /** The newest version that is known, shown or not. */
  newest: number | null
  connection: ConnectionState
  isOpen: boolean
  onToggle: (isOpen: boolean) => void
}

const words = WORDS.underneath

const transportWord = ({ status, transport }: ConnectionState): string => {
  if (transport !== null) return words.transports[transport]
  return status === 'polling' ? words.transports.polling : words.transports.none
}

const Plays = ({ id, person }: { id: string; person: Person }) => {
  const client = useRecordClient()
  const [sql, setSql] = useState<string | null>(null)
  const [failed, setFailed] = useState(false)
  const [isCut, setCut] = useState(isCablePulled)
  const colleague = colleagueName(person)

  const play = async (act: 'status' | 'rename' | 'sql') => {
    const answer = await askDemo<{ sql?: string }>('/play', 'POST', { act, id })
    setFailed(answer === null)
    setSql(answer?.sql ?? null)
  }
  const cut = () => {
    if (isCut) {
      plugCableIn()
      client.reconnect()
    } else pullCable()
    setCut(!isCut)
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
        <button type="button" className="button" onClick={() => play('sql')}>
          {words.sql}
        </button>
      </fieldset>
      <fieldset className="plays">
        <legend>{words.line}</legend>
        <button type="button" className="button" onClick={cut}>
          {isCut ? words.reconnect : words.cut}
        </button>
        {asPerson === null && (
          <a className="button" href={`/split?id=${encodeURIComponent(id)}`}>
            {words.split}
          </a>
        )}
      </fieldset>
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

export const Underneath = ({
  id,
  person,
  version,
  newest,
  connection,
  isOpen,
  onToggle,
}: UnderneathProps) => {
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
        <dl className="facts">
          <dt>{words.version}</dt>
          <dd>{version ?? '–'}</dd>
          <dt>{words.newest}</dt>
          <dd>{newest ?? '–'}</dd>
          <dt>{words.transport}</dt>
          <dd>{transportWord(connection)}</dd>
        </dl>
        <h3>{words.play}</h3>
        {id !== '' && <Plays id={id} person={person} />}
        <h3>{words.events}</h3>
        <EventList />
      </div>
    </aside>
  )
}

// Every state of every part, for the eye and for the tests: `?lang=de`, `?words=long` (40 % more letters), `?dir=rtl`,
// `?theme=dark`. No server is asked.
import {
  createWords,
  englishMessages,
  englishPartMessages,
  germanChangedMessages,
  germanMessages,
  type Messages,
  type RecordClient,
} from 'noclobber/client'
import {
  ChangedBadge,
  ConflictDialog,
  ConnectionPill,
  FieldPresence,
  ListBar,
  LiveProvider,
  LostSaves,
  PresenceBar,
  PresenceRow,
  TakeOverBar,
  TimeAgo,
  UnsentChanges,
  UnsentMark,
  UpdateBanner,
} from 'noclobber/react'
import { type ReactNode, useEffect, useMemo, useState } from 'react'
import '../styles/catalogue.css'
import { clientOf } from './clients.ts'
import { bannersOf, COUNTS, conflictsOf, LOST, PEOPLE, UNSENT_ROWS, unsentOf } from './states.ts'

const asked = new URLSearchParams(location.search)

/** Texts of a language with longer words: 40 % more letters in each. */
function longer<T>(texts: T): T {
  if (typeof texts === 'string') {
    const more = 'nenlangewortendungen'
      .repeat(10)
      .slice(0, Math.ceil(texts.replace(/\{\w+\}/g, '').length * 0.4))
    return (
      texts === ''
        ? texts
        : texts.replace(/([\p{L}}])([^\p{L}}]*)$/u, `$1${more.replace(/(.{9})/g, '$1 ')}$2`)
    ) as T
  }
  if (typeof texts !== 'object' || texts === null) return texts
  return Object.fromEntries(Object.entries(texts).map(([key, value]) => [key, longer(value)])) as T
}

const LANGUAGE =
  asked.get('lang') === 'de'
    ? { ...germanMessages, changed: germanChangedMessages }
    : { ...englishMessages, ...englishPartMessages }
const { messages } = createWords(asked.get('words') === 'long' ? longer(LANGUAGE) : LANGUAGE)
const locale = asked.get('lang') ?? 'en'

const nothing = () => {}
const EDITOR = {
  merge: nothing,
  review: nothing,
  reload: nothing,
  dismiss: nothing,
  show: nothing,
  restore: nothing,
  retry: nothing,
  copy: async () => false,
  recreate: nothing,
  available: null,
}
const ADDRESS = { type: 'project', id: '1' }
const HANDED = { ...ADDRESS, isDirty: false, save: async () => null }
const RECORD = { ...ADDRESS, version: 1, updated_at: '', updated_by: null, fields: { name: '' } }
const LIST = {
  status: 'ready' as const,
  waiting: null,
  trouble: null,
  isWhole: true,
  reload: async () => {},
  keepEditing: nothing,
  rows: [1, 2],
}

const Speaking = ({ client = clientOf({}), children }: { client?: RecordClient; children: ReactNode }) => (
  <LiveProvider client={client} messages={messages} locale={locale}>
    {children}
  </LiveProvider>
)

const State = ({ part, state, children }: { part: string; state: string; children: ReactNode }) => (
  <section
    className="catalogue-state"
    data-part={part}
    data-state-name={state}
    aria-label={`${part}: ${state}`}
  >
    <h3>{state}</h3>
    {children}
  </section>
)

/** A form around which things come and go: nothing of it may move. */
const Shifting = ({ words }: { words: Messages }) => {
  const [isOn, setOn] = useState(false)
  const [, banner] = bannersOf(words)[1] ?? []
  const asker = { id: 'bob', name: 'Bob' }
  const client = useMemo(() => clientOf(isOn ? { people: PEOPLE, requests: { asker } } : {}), [isOn])
  return (
    <Speaking client={client}>
      <form className="catalogue-form" onSubmit={(event) => event.preventDefault()}>
        <UpdateBanner editor={{ ...EDITOR, banner: (isOn && banner) || null }} />
        <PresenceBar className="catalogue-people" editor={{ ...ADDRESS, isDirty: false, record: RECORD }} />
        <TakeOverBar editor={HANDED} />
        <label>
          Name <FieldPresence {...ADDRESS} field="name" />
          <input className="input" name="name" data-anchor />
        </label>
        <button type="button" className="button" data-toggle onClick={() => setOn(!isOn)}>
          Everything comes and goes
        </button>
      </form>
    </Speaking>
  )
}

export const CataloguePage = () => {
  useEffect(() => {
    document.documentElement.dir = asked.get('dir') ?? 'ltr'
    document.documentElement.lang = locale
    document.documentElement.classList.toggle('dark', asked.get('theme') === 'dark')
    document.title = 'Catalogue · noclobber'
  }, [])
  const waiting = { count: 3, isImport: false }
  const asks = [
    { asker: { id: 'bob', name: 'Bob' } },
    { asked: { id: 'bob', name: 'Bob', outcome: 'waiting' as const } },
  ]
  return (
    <main className="catalogue" id="content">
      <h1>Catalogue</h1>
      <h2>UpdateBanner</h2>
      <Speaking>
        {bannersOf(messages).map(([state, banner]) => (
          <State key={state} part="UpdateBanner" state={state}>
            <UpdateBanner editor={{ ...EDITOR, banner }} />
          </State>
        ))}
        <State part="UpdateBanner" state="available">
          <UpdateBanner editor={{ ...EDITOR, banner: null, available: 12 }} />
        </State>
      </Speaking>
      <h2>ConflictDialog</h2>
      <Speaking>
        {conflictsOf(messages).map(([state, conflictView]) => (
          <State key={state} part="ConflictDialog" state={state}>
            <ConflictDialog
              editor={{ conflictView, resolve: nothing, reload: nothing, closeConflict: nothing }}
            />
          </State>
        ))}
      </Speaking>
      <h2>ConnectionPill</h2>
      <div className="catalogue-row">
        {(['live', 'connecting', 'reconnecting', 'polling', 'offline', 'signed_out'] as const).map(
          (status) => (
            <Speaking key={status} client={clientOf({ status })}>
              <State part="ConnectionPill" state={status}>
                <ConnectionPill />
              </State>
            </Speaking>
          ),
        )}
      </div>
      <h2>Presence</h2>
      <Speaking client={clientOf({ people: PEOPLE })}>
        <State part="PresenceBar" state="all">
          <PresenceBar editor={{ ...ADDRESS, isDirty: false, record: RECORD }} />
        </State>
        <State part="FieldPresence" state="editing">
          <p>
            Name <FieldPresence {...ADDRESS} field="name" />
          </p>
        </State>
        <State part="TakeOverBar" state="ask">
          <TakeOverBar editor={HANDED} />
        </State>
      </Speaking>
      {asks.map((requests, index) => (
        <Speaking key={String(index)} client={clientOf({ requests })}>
          <State part="TakeOverBar" state={index === 0 ? 'asked' : 'waiting'}>
            <TakeOverBar editor={HANDED} />
          </State>
        </Speaking>
      ))}
      <h2>ListBar</h2>
      <Speaking>
        <State part="ListBar" state="waiting">
          <ListBar list={{ ...LIST, waiting }} />
        </State>
        <State part="ListBar" state="import">
          <ListBar list={{ ...LIST, waiting: { count: 10_000, isImport: true } }} />
        </State>
        <State part="ListBar" state="stale">
          <ListBar list={{ ...LIST, trouble: 'unreachable' }} />
        </State>
        <State part="ListBar" state="cut">
          <ListBar list={{ ...LIST, isWhole: false }} />
        </State>
      </Speaking>
      <h2>UnsentChanges</h2>
      <Speaking>
        {(['ok', 'full', 'barred'] as const).map((storage) => (
          <State key={storage} part="UnsentChanges" state={storage}>
            <UnsentChanges
              offline={unsentOf(storage, storage === 'barred')}
              nameOf={({ id }) => `Project ${id}`}
              onOpen={nothing}
            />
          </State>
        ))}
        <State part="TimeAgo" state="minutes">
          <TimeAgo at={Date.now() - 180_000} />
        </State>
      </Speaking>
      <h2>LostSaves</h2>
      <Speaking client={clientOf({ lost: LOST })}>
        <State part="LostSaves" state="each">
          <LostSaves nameOf={({ id }) => `Project ${id}`} onOpen={nothing} />
        </State>
      </Speaking>
      <h2>Marks</h2>
      <Speaking client={clientOf({ people: PEOPLE })}>
        <div className="catalogue-row">
          {COUNTS.map(([state, changed]) => (
            <State key={state} part="ChangedBadge" state={state}>
              <span>
                Tasks <ChangedBadge changed={changed} />
              </span>
            </State>
          ))}
          {[...UNSENT_ROWS.unsent.keys()].map((id) => (
            <State key={id} part="UnsentMark" state={id}>
              <span>
                Tunnel <UnsentMark list={UNSENT_ROWS} id={id} />
              </span>
            </State>
          ))}
          <State part="PresenceRow" state="all">
            <PresenceRow {...ADDRESS} />
          </State>
        </div>
      </Speaking>
      <h2>Coming and going</h2>
      <Shifting words={messages} />
    </main>
  )
}

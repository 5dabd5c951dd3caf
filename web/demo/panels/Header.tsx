// The header of every page: location, connection state, user. After the session has ended it offers to sign in again as the
// same user, so that typed text can still be saved.
import { ConnectionPill, useConnection } from 'noclobber/react'
import type { ReactNode } from 'react'
import { ChangedLink } from '../base/ChangedLink.tsx'
import { Avatar, Link } from '../base/Parts.tsx'
import { asPerson } from '../base/router.ts'
import { type Person, signInAgain, signOut } from '../base/session.ts'
import { WORDS } from '../base/words.ts'
import { Activity } from './Activity.tsx'
import { Unsent } from './Unsent.tsx'

export const Header = ({
  person,
  place,
  children,
}: {
  person: Person
  place?: ReactNode
  children?: ReactNode
}) => {
  const connection = useConnection()
  return (
    <>
      <a className="skip-link" href="#content">
        {WORDS.header.skip}
      </a>
      <header className="header">
        <Link to="/projects" className="brand">
          <img src={new URL('../icon.svg', import.meta.url).href} alt={WORDS.product} />
          <span aria-hidden="true">{WORDS.product}</span>
        </Link>
        <nav aria-label={WORDS.header.place}>
          <ol className="crumbs">
            <li>
              {place ? (
                <ChangedLink type="project" to="/projects">
                  {WORDS.header.projects}
                </ChangedLink>
              ) : (
                WORDS.header.projects
              )}
            </li>
            {place && <li aria-current="page">{place}</li>}
          </ol>
        </nav>
        <div className="header-end">
          <Unsent />
          <ConnectionPill />
          <Activity />
          {children}
          <span className="whoami">
            <Avatar name={person.name} />
            <span className="whoami-name">{person.name}</span>
          </span>
          {connection.status === 'signed_out' ? (
            <button type="button" className="button button-primary" onClick={signInAgain}>
              {WORDS.header.signInAgain}
            </button>
          ) : (
            asPerson === null && (
              <button type="button" className="button button-quiet" onClick={signOut}>
                {WORDS.header.signOut}
              </button>
            )
          )}
        </div>
      </header>
    </>
  )
}

// The sign-in page: a click on a person signs in, and leads to the page that was asked for.
import { useCallback, useState } from 'react'
import { Avatar } from './base/Parts.tsx'
import { navigate } from './base/router.ts'
import { Steps } from './base/Steps.tsx'
import { askDemo, type Person, signIn } from './base/session.ts'
import { useFetched } from './base/useFetched.ts'
import { WORDS } from './base/words.ts'

export const SignInPage = () => {
  const people = useFetched(useCallback(() => askDemo<Person[]>('/people'), []))
  const [failed, setFailed] = useState(false)
  const words = WORDS.signIn

  const choose = async (id: string) => {
    setFailed(false)
    if (!(await signIn(id))) setFailed(true)
    else if (location.pathname === '/') await navigate('/projects')
  }

  return (
    <main className="sign-in">
      <div>
        <p className="brand">
          <img src={new URL('./icon.svg', import.meta.url).href} alt="" />
          {WORDS.product}
        </p>
        <h1>{words.title}</h1>
        <p className="soft">{words.lead}</p>
      </div>
      <a className="card person-split" href="/split?id=1">
        <strong>{words.split}</strong>
        <span className="soft">{words.splitHint}</span>
        <Steps />
      </a>
      <p className="soft">{words.one}</p>
      {(failed || people.status === 'failed') && (
        <p className="field-error" role="alert">
          {words.failed}
        </p>
      )}
      {Object.entries(WORDS.office).map(([tenantId, office]) => (
        <section key={tenantId} aria-label={office}>
          <h2>{office}</h2>
          <div className="people">
            {people.found
              ?.filter((person) => person.tenantId === tenantId)
              .map((person) => (
                <button
                  key={person.id}
                  type="button"
                  className="card person"
                  onClick={() => choose(person.id)}
                >
                  <Avatar name={person.name} large />
                  <span>
                    <strong>{person.name}</strong>
                    <span className="soft">{person.title}</span>
                  </span>
                  <span className="person-role">{WORDS.roles[person.role]}</span>
                </button>
              ))}
          </div>
        </section>
      ))}
    </main>
  )
}

// Which page is shown: by who is signed in, then by the path.
import { LiveProvider } from 'noclobber/react'
import { Component, lazy, type ReactNode, Suspense } from 'react'
import { formatValue } from './base/format.ts'
import { MissingPage } from './base/MissingPage.tsx'
import { Sentence } from './base/Parts.tsx'
import { projectOfAddress } from './base/records.ts'
import { usePath, useVisit } from './base/router.ts'
import { openSession, type Person, useSession } from './base/session.ts'
import { WORDS } from './base/words.ts'
import { ProjectPage } from './projects/ProjectPage.tsx'
import { ProjectsPage } from './projects/ProjectsPage.tsx'
import { SignInPage } from './SignInPage.tsx'
import { SplitPage } from './SplitPage.tsx'

/** Loaded on the first visit, with its virtualizer. */
const TasksPage = lazy(() => import('./tasks/TasksPage.tsx').then((page) => ({ default: page.TasksPage })))

const PartsPage = lazy(() => import('./parts/PartsPage.tsx').then((page) => ({ default: page.PartsPage })))

const CataloguePage = lazy(() =>
  import('./catalogue/CataloguePage.tsx').then((page) => ({ default: page.CataloguePage })),
)

/** What people see instead of a blank page when a component throws. */
class CrashPage extends Component<{ children: ReactNode }, { crashed: boolean }> {
  override state = { crashed: false }

  static getDerivedStateFromError() {
    return { crashed: true }
  }

  override render() {
    if (!this.state.crashed) return this.props.children
    return (
      <main className="state state-page" role="alert">
        <h1>{WORDS.crashed.title}</h1>
        <p>{WORDS.crashed.text}</p>
        <button type="button" className="button" onClick={() => location.reload()}>
          {WORDS.crashed.reload}
        </button>
      </main>
    )
  }
}

const Pages = ({ person, path }: { person: Person; path: string }) => {
  const visit = useVisit()
  const id = /^\/projects\/([^/]+)\/?$/.exec(path)?.[1]
  if (id !== undefined) return <ProjectPage key={visit} id={projectOfAddress(id)} person={person} />
  if (path === '/projects' || path === '/projects/') return <ProjectsPage person={person} />
  if (path === '/tasks' || path === '/tasks/')
    return (
      <Suspense>
        <TasksPage person={person} />
      </Suspense>
    )
  if (path === '/parts' || path === '/parts/')
    return (
      <Suspense>
        <PartsPage person={person} />
      </Suspense>
    )
  return (
    <main>
      <MissingPage />
    </main>
  )
}

const Signed = ({ path }: { path: string }) => {
  const session = useSession()
  if (session.status === 'loading') return null
  if (session.status === 'failed') {
    const text = session.isAnswered ? WORDS.signIn.broken : WORDS.signIn.unreachable
    return <Sentence text={text} action={WORDS.projects.retry} onAction={openSession} />
  }
  if (session.status === 'signed_out' || path === '/') return <SignInPage />
  return (
    <LiveProvider
      key={session.person.id}
      client={session.client}
      labels={WORDS.fields}
      formatValue={formatValue}
    >
      <Pages person={session.person} path={path} />
    </LiveProvider>
  )
}

export const App = () => {
  const path = usePath()
  return (
    <CrashPage>
      {path === '/split' ? (
        <SplitPage />
      ) : path === '/catalogue' ? (
        <Suspense>
          <CataloguePage />
        </Suspense>
      ) : (
        <Signed path={path} />
      )}
    </CrashPage>
  )
}

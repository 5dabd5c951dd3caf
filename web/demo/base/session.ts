// The user who is signed in on this page, and their record client. Invariant: a client belongs to one user; the next user gets
// a new one, without anything of the first.
import { createRecordClient, type RecordClient, type TransportKind } from 'noclobber/client'
import { type Devtools, installDevtools } from 'noclobber/devtools'
import { createOffline, type Offline } from 'noclobber/offline'
import { useSyncExternalStore } from 'react'
import { ofWindow } from './memory.ts'
import { asPerson } from './router.ts'

/** As the demo's server describes a person. */
export interface Person {
  id: string
  name: string
  tenantId: 'acme' | 'globex'
  role: 'editor' | 'proposer' | 'reader'
  title: string
}

export type Session =
  | { status: 'loading' }
  | { status: 'signed_out' }
  /** `isAnswered`: by an error, or by nobody at all. */
  | { status: 'failed'; isAnswered: boolean }
  | { status: 'signed_in'; person: Person; client: RecordClient; devtools: Devtools; offline: Offline }

let session: Session = { status: 'loading' }
const listeners = new Set<() => void>()

const show = (next: Session) => {
  if (session.status === 'signed_in') session.client.close()
  session = next
  for (const listener of listeners) listener()
}

const REMEMBERED = 'noclobber-demo-person'

/**
 * A window that signed in goes on as that person, and a frame of the split view is who its address says: windows and
 * frames share their cookies, so each sends a token. Without one the cookie speaks.
 */
export const token = (): string | null => {
  const id = asPerson ?? ofWindow.get(REMEMBERED)
  return id === null ? null : `demo:${id}`
}

const ask = async (path: string, method: string, body?: unknown): Promise<Response | null> => {
  const bearer = token()
  const headers = {
    ...(bearer !== null && { Authorization: `Bearer ${bearer}` }),
    ...(body !== undefined && { 'Content-Type': 'application/json' }),
  }
  const sent = body === undefined ? null : JSON.stringify(body)
  return fetch(`/demo${path}`, { method, headers, body: sent }).catch(() => null)
}

/** A request to the demo's own routes, below `/demo`. The answer's `data`, or null where it was refused or lost. */
export const askDemo = async <T>(path: string, method = 'GET', body?: unknown): Promise<T | null> => {
  const answer = await ask(path, method, body)
  return answer?.ok ? (await answer.json()).data : null
}

const TRANSPORT = 'noclobber-demo-transport'
const TRANSPORTS: Record<string, TransportKind[]> = {
  websocket: ['websocket'],
  event_stream: ['event_stream'],
  long_polling: ['long_polling'],
  none: [],
}

/** `?transport=event_stream` uses one transport alone, for as long as the window lives: for comparing them. */
const chosenTransports = (): { transports?: TransportKind[] } => {
  const asked = new URLSearchParams(location.search).get('transport')
  if (asked !== null) ofWindow.set(TRANSPORT, asked)
  const transports = TRANSPORTS[ofWindow.get(TRANSPORT) ?? '']
  return transports ? { transports } : {}
}

const chosen = chosenTransports()

/** Unsent edits stay on this device after a sign-out, and only the same person sees them. */
const enter = (person: Person): Session => {
  const offline = createOffline()
  const options = { token, userId: () => person.id, offline, ...chosen }
  const devtools = installDevtools(createRecordClient, options, { into: null })
  return { status: 'signed_in', person, client: devtools.client, devtools, offline }
}

/** Asks the server who is signed in; called once, when the page starts. */
export const openSession = async (): Promise<void> => {
  const answer = await ask('/session', 'GET')
  if (!answer?.ok) return show({ status: 'failed', isAnswered: answer !== null })
  const { data: person } = (await answer.json()) as { data: Person | null }
  show(person ? enter(person) : { status: 'signed_out' })
}

/** Signs in as one of the demo's people; false where that didn't work. */
export const signIn = async (id: string): Promise<boolean> => {
  const person = await askDemo<Person>('/session', 'POST', { user: id })
  if (!person) return false
  ofWindow.set(REMEMBERED, person.id)
  show(enter(person))
  return true
}

/** Signs the same person in again after their session ended; what they typed stays where it is. */
export const signInAgain = async (): Promise<void> => {
  if (session.status !== 'signed_in') return
  if (await askDemo('/session', 'POST', { user: session.person.id })) session.client.reconnect()
}

export const signOut = async (): Promise<void> => {
  ofWindow.remove(REMEMBERED)
  await ask('/session', 'DELETE')
  show({ status: 'signed_out' })
}

/** `fetch` that ends with the line that the devtools cut. */
export const lineFetch: typeof fetch = (...request) =>
  session.status === 'signed_in' ? session.devtools.fetch(...request) : fetch(...request)

const subscribe = (listener: () => void) => {
  listeners.add(listener)
  return () => {
    listeners.delete(listener)
  }
}

export const useSession = (): Session => useSyncExternalStore(subscribe, () => session)

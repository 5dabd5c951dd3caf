// The demo's sign-in, which trusts any name: a cookie for pages, `Bearer demo:alice` for programs and for
// the split view's frames, `Bearer demo:claude@alice` for an agent that acts for Alice.
// Invariant: a bearer token goes before the cookie, so two frames can be two people.
import type { IncomingMessage } from 'node:http'
import express, { type Request, type Response, Router } from 'express'
import { agentOf, PEOPLE, type Person, personById } from './people.ts'
import { refuse, sameOrigin } from './problem.ts'

const COOKIE = 'noclobber_demo'

const cookieOf = (request: IncomingMessage): string | undefined =>
  request.headers.cookie
    ?.split(';')
    .map((pair) => pair.trim().split('='))
    .find(([name]) => name === COOKIE)?.[1]

/** The person behind a request or a socket's handshake, or null. What the record server is given as `authenticate`. */
export const personOf = (request: IncomingMessage): Person | null => {
  const { authorization } = request.headers
  if (authorization !== undefined) {
    const [, agent, id] = /^Bearer demo:(claude@)?(\w+)$/i.exec(authorization) ?? []
    const person = personById(id)
    return person && agent ? agentOf(person) : person
  }
  return personById(cookieOf(request))
}

/** Every button of the demo writes, or lets somebody write: for editors alone. Others are answered here. */
export const isEditor = (person: Person | null, response: Response): person is Person => {
  if (person?.role === 'editor') return true
  if (person) refuse(response, 403, 'forbidden', 'Not allowed', 'Only editors may do this.')
  else refuse(response, 401, 'unauthenticated', 'Nobody is signed in', 'Sign in first.')
  return false
}

/** `POST /demo/session {"user":"alice"}` signs in, `GET` says who is signed in (`data: null`: nobody), `DELETE` signs out. */
export const sessionRoutes = (): Router => {
  const routes = Router()
  const cookie = (request: Request) =>
    ({ httpOnly: true, sameSite: 'lax', path: '/', secure: request.secure }) as const

  routes.get('/people', (_request, response) => {
    response.json({ data: PEOPLE })
  })
  routes.get('/session', (request, response) => {
    response.set('Cache-Control', 'no-store').json({ data: personOf(request) })
  })
  routes.post('/session', sameOrigin, express.json(), (request, response) => {
    const person = personById(request.body?.user)
    if (!person) {
      const message = `Must be one of ${PEOPLE.map(({ id }) => id).join(', ')}`
      refuse(response, 422, 'invalid', 'Nobody of that name', message, {
        errors: [{ field: 'user', message }],
      })
      return
    }
    response.cookie(COOKIE, person.id, cookie(request)).json({ data: person })
  })
  routes.delete('/session', sameOrigin, (request, response) => {
    response.clearCookie(COOKIE, cookie(request)).status(204).end()
  })
  return routes
}

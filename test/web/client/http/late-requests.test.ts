// Routes whose code is loaded with their first call: nothing is sent for a person who comes while it is on its way.
import { expect, test } from 'vitest'
import { createPerson } from '../../../../web/client/base/person.ts'
import { createHttp } from '../../../../web/client/http/fetch-json.ts'
import * as moreRequests from '../../../../web/client/http/more-requests.ts'
import { createRequests, moreRequestsCode } from '../../../../web/client/http/requests.ts'
import { createManualClock } from '../../../support/clocks.ts'

const ANSWER = JSON.stringify({ data: { type: 'project', id: '1', version: 1, fields: {} } })

function requestsOf(who: { id: string }) {
  const sent: string[] = []
  const clock = createManualClock()
  const person = createPerson({ userId: () => who.id, token: () => null })
  const http = createHttp({
    ...{ url: '/api/v1', credentials: 'include', clock, tabId: 't', person, timeoutMs: 1000 },
    fetch: async (_input, init) => {
      sent.push(`${init?.method} for ${who.id}`)
      return new Response(ANSWER, { headers: { 'content-type': 'application/json' } })
    },
    ...{ socketId: () => null, token: () => null, onAnswer: () => {} },
  })
  return { sent, requests: createRequests({ http, clock, newId: () => 'm' }) }
}

test('a creation goes out for the person who asked for it, and for nobody else', async () => {
  const who = { id: 'alice' }
  const { sent, requests } = requestsOf(who)
  const asked = requests.create('project', { name: 'Bridge' })
  who.id = 'bob'
  moreRequestsCode.provide(moreRequests)
  expect((await asked).outcome).toBe('unauthenticated')
  expect(sent).toEqual([])
  expect((await requests.create('project', { name: 'Bridge' })).outcome).toBe('created')
  expect(sent).toEqual(['POST for bob'])
})

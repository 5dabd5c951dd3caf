// Who a page acts for where the server alone knows it: answers may overtake each other while people sign in.

import { expect, test } from 'vitest'
import { createPerson } from '../../../../web/client/base/person.ts'

function signIn() {
  const person = createPerson({ userId: undefined, token: () => null })
  const before: (string | null)[] = []
  person.onLeft((id) => void before.push(id))
  person.signedIn()
  return { person, before, epoch: person.epoch(), requests: [person.asks(), person.asks()] as const }
}

test('of two answers the one to the later request counts, in whatever order they come', () => {
  const { person, epoch, requests } = signIn()
  const [early, late] = requests
  expect(person.answered(epoch, 200, 'carol', late)).toBe('ours')
  expect(person.answered(epoch, 200, 'alice', early)).toBe('late')
  expect(person.id()).toBe('carol')
})

test('an answer to a later request that names another person changes the person', () => {
  const { person, before, epoch, requests } = signIn()
  const [early, late] = requests
  expect(person.answered(epoch, 200, 'alice', early)).toBe('ours')
  expect(person.answered(epoch, 200, 'carol', late)).toBe('late')
  expect([person.id(), before]).toEqual(['carol', [null, 'alice']])
})

// The actor of a program that acts for a person.
import type { Actor } from '../base/record-type.ts'

/**
 * An agent that acts for a person, with what the app knows of that person (roles, groups): for `authenticate`. Its id is its own, so
 * that limits and replays are; where `can` compares ids, `actor.onBehalfOf?.id ?? actor.id` is the person's.
 *
 * @example
 * authenticate: (request) => (token.agent ? asAgent(token.person, { id: 'claude', name: 'Claude' }) : token.person)
 */
export const asAgent = <A extends Actor>(person: A, agent: { id: string; name: string }): A => ({
  ...person,
  id: `${agent.id}:${person.id}`,
  name: agent.name,
  kind: 'agent',
  onBehalfOf: { id: person.id, name: person.name },
})

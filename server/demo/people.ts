// The demo's users: two tenants and their people. Invariant: a person belongs to one tenant, and what they may do
// follows from their role alone; an agent may what its person may.
import { asAgent } from 'noclobber/mcp'
import type { Actor } from 'noclobber/server'

/** What the demo hands to the record server as the actor. */
export interface Person extends Actor {
  tenantId: 'acme' | 'globex'
  role: 'editor' | 'proposer' | 'reader'
  /** What they do in the office, for people to read. */
  title: string
}

/** The people that a visitor can sign in as. */
export const PEOPLE: readonly Person[] = [
  { id: 'alice', name: 'Alice', tenantId: 'acme', role: 'editor', title: 'Project lead, bridges' },
  { id: 'bob', name: 'Bob', tenantId: 'acme', role: 'editor', title: 'Structural engineer' },
  { id: 'pia', name: 'Pia', tenantId: 'acme', role: 'proposer', title: 'Trainee' },
  { id: 'vera', name: 'Vera', tenantId: 'acme', role: 'reader', title: 'Controller' },
  { id: 'gina', name: 'Gina', tenantId: 'globex', role: 'editor', title: 'Office manager' },
]

/** Gina's colleague, who never signs in: globex has one login, and a colleague is needed to play against. */
const OMAR: Person = { id: 'omar', name: 'Omar', tenantId: 'globex', role: 'editor', title: 'Site engineer' }

/** A program that acts for somebody: its writes are in both names. */
export const agentOf = (person: Person): Person => asAgent(person, { id: 'claude', name: 'Claude' })

/** The person with this id, or null. */
export const personById = (id: unknown): Person | null => PEOPLE.find((person) => person.id === id) ?? null

/** Another editor of the same tenant: the one whom the side panel's buttons let act. */
export const colleagueOf = (person: Person): Person =>
  PEOPLE.find(
    ({ id, tenantId, role }) => tenantId === person.tenantId && role === 'editor' && id !== person.id,
  ) ?? OMAR

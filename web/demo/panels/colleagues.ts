// The user that the buttons act as: another editor of the same tenant, chosen as the demo's server does.
import type { Person } from '../base/session.ts'

const COLLEAGUES: Record<string, string> = {
  alice: 'Bob',
  bob: 'Alice',
  pia: 'Alice',
  vera: 'Bob',
  gina: 'Omar',
}

export const colleagueName = ({ id }: Person): string => COLLEAGUES[id] ?? ''

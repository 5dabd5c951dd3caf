// Whom the buttons let act: another editor of the same office, as the demo's server chooses them.
import type { Person } from '../base/session.ts'

const COLLEAGUES: Record<string, string> = { alice: 'Bob', bob: 'Alice', vera: 'Bob', gina: 'Omar' }

export const colleagueName = ({ id }: Person): string => COLLEAGUES[id] ?? ''

// What the panel works with: a client, its journal, its line.

import type { RecordClient } from '../client/record-client-options.ts'
import type { Journal } from './journal.ts'
import type { Line } from './line.ts'

/** What the panel works with. */
export interface Inspected {
  client: RecordClient
  journal: Journal
  line: Line
  /** Ends what is open, and opens it again on the line as it is then. */
  switchLine(next: Pick<Line, 'isCut'> | Pick<Line, 'isSignedOut'> | Pick<Line, 'refuses'>): void
  /** Saves what is typed in a record in another tab's place, and says what came of it. */
  forceConflict(type: string, id: string): Promise<string>
}

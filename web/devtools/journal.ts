// What a client did, the newest first and never more than a page can show: steps of open records, events, requests.

import type { RecordTransition } from '../client/record/store-options.ts'
import type { ReceivedEvent } from '../client/transport/event-router.ts'

/** One request as it was answered. */
export interface SeenRequest {
  method: string
  path: string
  /** 0: no answer. */
  status: number
  ms: number
  /** Of a problem document. */
  code: string | null
  mutationId: string | null
}

/** One thing that happened. `at`: this machine's milliseconds. */
export type Entry = { at: number } & (
  | { kind: 'event'; received: ReceivedEvent }
  | { kind: 'step'; step: RecordTransition }
  | { kind: 'request'; request: SeenRequest }
)

const MOST_ENTRIES = 500
const MOST_RECORDS = 100

/** All that the panel shows. */
export interface Journal {
  add(entry: Entry): void
  /** The newest first; `filter` is looked for in their text. */
  entries(filter?: string): Entry[]
  /** The last step of each record, the latest first. */
  records(): RecordTransition[]
  /** While it is paused nothing is added, save the records' own states. */
  pause(isPaused: boolean): void
  isPaused(): boolean
  clear(): void
  /** The person has changed: nothing of the one before is shown or exported. */
  leave(): void
  /** Everything, as JSON. */
  text(): string
}

export function createJournal(): Journal {
  let entries: Entry[] = []
  let isPaused = false
  const records = new Map<string, RecordTransition>()

  const remember = (step: RecordTransition) => {
    const key = `${step.type} ${step.id}`
    records.delete(key)
    records.set(key, step)
    for (const oldest of records.keys()) if (records.size > MOST_RECORDS) records.delete(oldest)
  }

  return {
    add(entry) {
      if (entry.kind === 'step') remember(entry.step)
      if (!isPaused) entries = [entry, ...entries].slice(0, MOST_ENTRIES)
    },
    entries: (filter = '') =>
      filter === ''
        ? entries
        : entries.filter((entry) => JSON.stringify(entry).toLowerCase().includes(filter.toLowerCase())),
    records: () => [...records.values()].reverse(),
    pause(next) {
      isPaused = next
    },
    isPaused: () => isPaused,
    clear() {
      entries = []
    },
    leave() {
      entries = []
      records.clear()
    },
    text: () => JSON.stringify({ records: [...records.values()], entries }, null, 2),
  }
}

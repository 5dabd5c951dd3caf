// What was discarded on this page, the latest first: it can be restored for as long as the page lives.

import type { Kept } from '../device/storage.ts'

const MOST_DISCARDED = 200

export function createDiscarded<Entry extends Kept>() {
  let discarded: Entry[] = []
  return {
    of: (person: string | null): Entry[] => discarded.filter((entry) => entry.person === person),
    add(entry: Entry) {
      discarded = [entry, ...discarded.filter(({ key }) => key !== entry.key)].slice(0, MOST_DISCARDED)
    },
    remove(entry: Entry) {
      discarded = discarded.filter((one) => one !== entry)
    },
    clear(person: string) {
      discarded = discarded.filter((entry) => entry.person !== person)
    },
  }
}

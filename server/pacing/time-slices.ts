// Runs long work in time slices, with a pause after each in which other requests are served.
// Invariant: no pause is skipped because nothing seems to wait: a save may be waiting for the database at that moment.
import { setTimeout as pause } from 'node:timers/promises'

/** Work of this long on the event loop; a save passes it three or four times, and may meet a slice at each. */
const SLICE_MS = 1
const REST_MS = 3

/** Time slices of work on the event loop. */
export interface TimeSlices {
  /** Is it time to rest? Asked after each small step. */
  isOver(): boolean
  /** Resolves when the next slice may begin. */
  rest(): Promise<void>
}

export const createTimeSlices = (now: () => number = () => performance.now()): TimeSlices => {
  let begun = now()
  return {
    isOver: () => now() - begun >= SLICE_MS,
    rest: async () => {
      await pause(REST_MS)
      begun = now()
    },
  }
}

/** Like `items.map(make)`, in time slices. */
export const mapInSlices = async <T, R>(items: readonly T[], make: (item: T) => R): Promise<R[]> => {
  const slices = createTimeSlices()
  const made: R[] = []
  for (const item of items) {
    if (slices.isOver()) await slices.rest()
    made.push(make(item))
  }
  return made
}

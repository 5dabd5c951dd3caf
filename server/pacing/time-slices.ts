// Long work beside other people's: done in slices, with a rest after each in which those who wait get their turn.
// Invariant: a rest is never skipped because nobody seems to wait: a save waits for the database as much as for us.
import { setTimeout as pause } from 'node:timers/promises'

/** Work of this long on the event loop; a save passes it three or four times, and may meet a slice at each. */
const SLICE_MS = 1
const REST_MS = 3

/** TimeSlices of work on the event loop. */
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

// Clocks of tests, as noclobber/testing has them.
export { createFastClock, createManualClock } from '../../testing/app/clocks.ts'

// A clock whose hands a test turns itself, as noclobber/testing has it.
export { createManualClock } from '../../testing/app/clocks.ts'

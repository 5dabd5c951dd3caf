// Waiting for a condition instead of for time, as noclobber/testing has it.
export { waitFor } from '../../testing/app/wait-for.ts'

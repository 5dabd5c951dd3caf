// What a run of the scorecard makes larger, repeats and writes down: sizes, the seed, figures.
import { appendFileSync } from 'node:fs'

/** The run's seed: `SEED=1234` repeats what chance did. */
export const seed = Number(process.env.SEED ?? 20_261_121)

/** How many times something is tried: few in a plain test run, as many as promised in the scorecard's. */
export const times = (few: number, promised: number): number =>
  process.env.NOCLOBBER_SCORECARD ? promised : few

/** Writes a figure down for the scorecard; nothing where no scorecard is run. */
export const writeDown = (promise: string, figure: string): void => {
  const file = process.env.NOCLOBBER_SCORECARD
  if (file) appendFileSync(file, `${JSON.stringify({ promise, figure, seed })}\n`)
}

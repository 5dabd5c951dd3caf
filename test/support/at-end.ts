// What a test file opened is closed when it is done, in the reverse order.
import { afterAll } from 'vitest'
// Hooks run last in, first out: databases are dropped after everything here was closed.
import './postgres.ts'

const stops: (() => unknown)[] = []
afterAll(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

/** Registers something to be undone at the end of the file. */
export const atEnd = (stop: () => unknown): void => {
  stops.push(stop)
}

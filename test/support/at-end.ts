// What a test file opened is closed when it is done, in the reverse order; databases, Redis servers and browsers last.
// Registered in `each-file.ts`, which Vitest runs for each file: files of one worker share this module.

const stops: (() => unknown)[] = []
const lastStops: (() => unknown)[] = []

/** Registers something to be undone at the end of the file. */
export const atEnd = (stop: () => unknown): void => {
  stops.push(stop)
}

/** Registers something that ends after all that {@link atEnd} undoes. */
export const atLast = (stop: () => unknown): void => {
  lastStops.push(stop)
}

/** Undoes what was registered since the last call; goes on after a failure, and throws the first. */
export const endFile = async (): Promise<void> => {
  const errors: unknown[] = []
  for (const stop of [...lastStops.splice(0), ...stops.splice(0)].reverse())
    await Promise.resolve()
      .then(stop)
      .catch((error) => errors.push(error))
  if (errors.length > 0) throw errors[0]
}

// `npm test` is a short run: each promise is tried at least once. `npm test -- --full`, and Vitest when it is called by itself, run
// everything: more rounds, further variants, and the tests with the tag `full`.

export const isShortRun = process.env.NOCLOBBER_RUN === 'short'

/** A size, or the variants, of a test in each kind of run. */
export const byRun = <T>({ short, full }: { short: T; full: T }): T => (isShortRun ? short : full)

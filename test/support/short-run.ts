// `npm test` is a short run: each promise is tried at least once. `npm test -- --full`, and Vitest when it is called by itself, run
// everything: more rounds, further variants, and the tests with the tag `full`.

export const isShortRun = process.env.NOCLOBBER_RUN === 'short'

/** A size, or the variants, of a test in each kind of run. */
export const byRun = <T>({ short, full }: { short: T; full: T }): T => (isShortRun ? short : full)

/** Variants of one promise: in a short run one in so many of them, from the first on. */
export const oneIn = <T>(count: number, variants: readonly T[]): T[] =>
  variants.filter((_, at) => at % byRun({ short: count, full: 1 }) === 0)

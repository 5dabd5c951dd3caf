// How much is too much: allowances of single connections, counted in this process alone.
// Invariant: counting costs no I/O and never makes anybody wait.

/** Spends some of an allowance; `false` where there isn't enough left. */
export type Allowance = (cost?: number) => boolean

/** A bucket that refills once a second. */
export const createAllowance = (perSecond: number, now = () => performance.now()): Allowance => {
  let left = perSecond
  let at = now()
  return (cost = 1) => {
    if (now() - at >= 1_000) {
      left = perSecond
      at = now()
    }
    left -= cost
    return left >= 0
  }
}

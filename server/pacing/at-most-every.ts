// A task that is asked for more often than it need be done.

/** Runs at once, and then at most once in each gap, however often it is asked. */
export const atMostEvery = (gapMs: number, run: () => void): (() => void) => {
  let timer: NodeJS.Timeout | null = null
  let asked = false
  const turn = () => {
    timer = null
    if (!asked) return
    asked = false
    timer = setTimeout(turn, gapMs)
    run()
  }
  return () => {
    asked = true
    if (!timer) turn()
  }
}

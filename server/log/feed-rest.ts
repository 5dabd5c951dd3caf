// A feed's waiting between two looks at the log. Invariant: a wake-up that comes while the feed works is not lost.

/** `isOver`: there is something to do already. */
export const createFeedRest = (isOver: () => boolean) => {
  let woken = false
  let mayWake = true
  let end: (() => void) | null = null

  return {
    /** Something was committed, perhaps. */
    wake: () => {
      woken = true
      if (mayWake) end?.()
    },
    isWoken: () => woken,
    /** What is read from now on has all that wake-ups so far were about. */
    begin: () => {
      woken = false
    },
    end: () => end?.(),
    /** At most so long; until a wake-up where it `endsByWake`. */
    rest: async (ms: number, endsByWake = true) => {
      mayWake = endsByWake
      await new Promise<void>((resolve) => {
        const done = () => {
          clearTimeout(timer)
          end = null
          resolve()
        }
        const timer = setTimeout(done, ms)
        end = done
        if ((woken && mayWake) || isOver()) done()
      })
      mayWake = true
    },
  }
}

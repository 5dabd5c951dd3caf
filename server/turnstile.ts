// A herd at the door: those who come at once are let in a few at a time, and between two turns everybody else is served.
// Invariant: nobody waits while nobody else does, all get in in the order in which they came.

/** Let in before others get their turn. */
const AT_ONCE = 4

/** Calls each `enter` soon: at once where there is no crowd. */
export const createTurnstile = () => {
  let waiting: (() => void)[] = []
  let left = AT_ONCE
  let isTurning = false

  const turn = () => {
    const entering = waiting.slice(0, AT_ONCE)
    waiting = waiting.slice(AT_ONCE)
    left = AT_ONCE - entering.length
    isTurning = entering.length > 0
    // A timer and not `setImmediate`: what the others sent meanwhile is read before the next ones come in.
    if (isTurning) setTimeout(turn, 1)
    for (const enter of entering) enter()
  }

  return (enter: () => void): void => {
    if (!isTurning) {
      isTurning = true
      setTimeout(turn, 1)
    }
    if (left > 0) {
      left -= 1
      enter()
    } else waiting.push(enter)
  }
}

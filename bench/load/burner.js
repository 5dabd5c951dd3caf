// Takes as much of a processor as it is given to take, and touches nothing else: what an attack is held against.
import { getPriority, setPriority } from 'node:os'

/** About what a server does at a time before somebody else has a turn. */
const SLICE_MS = 5

/** @param {{ further: number }} options How much less than other processes it is worth, as `nice` counts. */
export default ({ further }) => {
  setPriority(Math.min(19, getPriority() + further))
  let timer
  const end = () => clearTimeout(timer)
  return {
    /** @param {number} share Of a processor: 0.25 is a quarter. */
    begin: (share) => {
      const begunAt = performance.now()
      const spentBefore = process.cpuUsage()
      const turn = () => {
        const { user, system } = process.cpuUsage(spentBefore)
        const owed = (performance.now() - begunAt) * share - (user + system) / 1_000
        const until = performance.now() + Math.min(owed, SLICE_MS)
        while (performance.now() < until);
        timer = setTimeout(turn, owed > SLICE_MS ? 0 : SLICE_MS)
      }
      turn()
    },
    end,
    stop: end,
  }
}

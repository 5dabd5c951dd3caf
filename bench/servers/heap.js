// What a process holds when all garbage is gone.
import { setTimeout as wait } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc')

/** Bytes in use, JavaScript's and those that belong to it, after `isQuiet` has come true. */
export const heldBytes = async (isQuiet) => {
  while (!isQuiet()) await wait(10)
  for (let turn = 0; turn < 4; turn += 1) {
    await wait(20)
    collect()
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

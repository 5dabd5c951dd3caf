// Waiting that ends.

/** Resolves when the work is over, well or not, and at the latest after `ms`. */
export const atMost = async (ms: number, work: Promise<unknown>): Promise<void> => {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  const over = work.then(
    () => {},
    () => {},
  )
  await Promise.race([over, late])
  clearTimeout(timer)
}

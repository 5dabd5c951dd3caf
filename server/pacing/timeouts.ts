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

/**
 * What the work gives, if it does so within `ms`.
 *
 * @throws Error with the sentence where it doesn't, and whatever the work throws.
 */
export const withinMs = async <T>(ms: number, work: Promise<T>, sentence: string): Promise<T> => {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(sentence)), ms)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

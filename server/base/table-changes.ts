// Tables that are altered under a running server. A statement that was made for a table as it was fails; the tables are looked up anew at
// once, and what the statement was sent for is done once more, or refused by a sentence where the declaration doesn't fit any more.
// Invariant: nothing is done twice. Such a statement fails before it writes, and what was answered already isn't answered again.

/** By the error of a statement: the look that followed it. */
const looks = new WeakMap<object, Promise<void>>()

/** The tables are being looked up because of this error. */
export const noteLook = (error: object, look: Promise<void>): void => {
  // Nobody may ask for it.
  look.catch(() => {})
  looks.set(error, look)
}

/**
 * Whether what failed by this error may pass now: the tables were looked up since.
 *
 * @throws SetupError where a declared type doesn't fit its table any more.
 */
export const wereTablesLookedUp = async (error: unknown): Promise<boolean> => {
  const look = typeof error === 'object' && error !== null ? looks.get(error) : undefined
  if (!look) return false
  await look
  return true
}

/** Does the work, once more where a table had changed. */
export const byTablesNow = async <T>(work: () => Promise<T>): Promise<T> => {
  try {
    return await work()
  } catch (error) {
    if (!(await wereTablesLookedUp(error))) throw error
    return work()
  }
}

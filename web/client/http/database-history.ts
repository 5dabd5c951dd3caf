// Which history the server's database is in, as answers say it. In another one what was answered before may be lost. Lists
// find that by their cursors.

/**
 * `learn` takes what an answer says; `onAnother` is called where it is another history than before, and with `isFirst` where none
 * was known: what this page wrote before may be of another one.
 */
export function createDatabaseHistory(onAnother: (isFirst: boolean) => void) {
  let history: string | null = null
  return {
    learn(found: unknown) {
      if (typeof found !== 'string' || found === history) return
      const isFirst = history === null
      history = found
      onAnother(isFirst)
    },
  }
}

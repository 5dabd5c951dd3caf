// Which history the server's database is in, as answers say it. In another one what was answered before may be lost. Lists
// find that by their cursors.

/** `learn` takes what an answer says; `onAnother` is called where it is another history than before. */
export function createDatabaseHistory(onAnother: () => void) {
  let history: string | null = null
  return {
    learn(found: unknown) {
      if (typeof found !== 'string' || found === history) return
      const isAnother = history !== null
      history = found
      if (isAnother) onAnother()
    },
  }
}

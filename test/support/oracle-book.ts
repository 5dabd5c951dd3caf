// What the writers of an oracle run say that they committed, and when: the account that the log, and then every reader,
// is held against. Rolled-back creations are noted as ghosts: their ids come from sequences, so nobody ever uses them.

/** One version of one record. */
export interface Written {
  type: string
  id: string | number
  version: string | number
  event: 'created' | 'updated' | 'deleted'
}

export const keyOf = ({ type, id, version, event }: Written): string => `${type} ${id} v${version} ${event}`

export interface Book {
  /** Enters a commit; the time is when the writer learned of it. */
  commit(changes: Written[]): void
  /** Enters an import, whose answer counts its changes without naming them. */
  imported(count: number): void
  rolledBack(ghosts: { type: string; id: string | number }[]): void
  /** A write that the server refused. */
  refused(): void
  keys(): string[]
  ghosts: Set<string>
  figures: { commits: number; rollbacks: number; refusals: number; importedChanges: number }
  /** How long after the commit a reader had this change, in milliseconds; 0 where the reader was quicker than the writer. */
  lagMs(key: string, seenAt: number): number
}

export const createBook = (): Book => {
  const times = new Map<string, number>()
  const ghosts = new Set<string>()
  const figures = { commits: 0, rollbacks: 0, refusals: 0, importedChanges: 0 }
  return {
    commit: (changes) => {
      if (changes.length === 0) return
      const now = performance.now()
      figures.commits += 1
      for (const change of changes) {
        const key = keyOf(change)
        if (times.has(key)) throw new Error(`Two writers got the answer that they wrote ${key}.`)
        times.set(key, now)
      }
    },
    imported: (count) => {
      figures.commits += 1
      figures.importedChanges += count
    },
    rolledBack: (made) => {
      figures.rollbacks += 1
      for (const { type, id } of made) ghosts.add(`${type} ${id}`)
    },
    refused: () => {
      figures.refusals += 1
    },
    keys: () => [...times.keys()],
    ghosts,
    figures,
    lagMs: (key, seenAt) => Math.max(0, seenAt - (times.get(key) ?? seenAt)),
  }
}

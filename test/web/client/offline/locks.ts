// Web Locks for tests outside a browser: exclusive locks, in line, given up by a signal, taken by force.

interface Waiting {
  grant(): void
}

/** A lock manager that several tabs of one test share. */
export function createLocks(): LockManager {
  const held = new Map<string, { steal(): void }>()
  const lines = new Map<string, Waiting[]>()

  const next = (name: string) => {
    held.delete(name)
    lines.get(name)?.shift()?.grant()
  }

  async function request(name: string, options: LockOptions, run: (lock: Lock | null) => unknown) {
    const line = lines.get(name) ?? []
    lines.set(name, line)
    if (options.steal) held.get(name)?.steal()
    else if (held.has(name)) {
      await new Promise<void>((grant, reject) => {
        const entry = { grant }
        line.push(entry)
        options.signal?.addEventListener('abort', () => {
          const at = line.indexOf(entry)
          if (at < 0) return
          line.splice(at, 1)
          reject(new DOMException('Given up.', 'AbortError'))
        })
      })
    }
    let isStolen = false
    const stolen = new Promise<never>((_, reject) => {
      held.set(name, {
        steal() {
          isStolen = true
          reject(new DOMException('Stolen.', 'AbortError'))
        },
      })
    })
    try {
      return await Promise.race([stolen, run({ name, mode: 'exclusive' })])
    } finally {
      if (!isStolen) next(name)
    }
  }
  return { request, query: async () => ({}) } as unknown as LockManager
}

// A check is a name and a function that rejects: any test runner runs it, and a kit can run all of its own by itself.

/** One thing that an adapter must do. */
export interface Check {
  /** A short fact in the present tense. */
  name: string
  /** Rejects, with a sentence that says what was wrong, where the adapter doesn't do it. */
  run(): Promise<void>
}

/** What became of the checks of one kit. */
export interface Report {
  /** Names of checks. */
  passed: string[]
  /** Names of checks, each with what it threw. */
  failed: { name: string; error: Error }[]
}

/** The checks of one adapter. */
export interface Kit {
  /**
   * For a test runner: `for (const { name, run } of kit.checks) test(name, run)`. They can be run in any order, and at the same time.
   * Nothing is started before the first of them.
   */
  checks: Check[]
  /** Ends what the checks started: for `afterAll`. */
  stop(): Promise<void>
  /** Runs those whose name contains `only`, by default all, one after the other, and stops. */
  run(only?: string): Promise<Report>
}

/** Makes a kit of named functions. */
export function createKit(
  checks: Record<string, () => Promise<void>>,
  stop: () => Promise<void> = async () => {},
): Kit {
  const list = Object.entries(checks).map(([name, run]) => ({ name, run }))
  return {
    checks: list,
    stop,
    run: async (only = '') => {
      const report: Report = { passed: [], failed: [] }
      for (const { name, run } of list) {
        if (!name.includes(only)) continue
        try {
          await run()
          report.passed.push(name)
        } catch (error) {
          report.failed.push({ name, error: error instanceof Error ? error : new Error(String(error)) })
        }
      }
      await stop()
      return report
    },
  }
}

/** What is started once, by the first who asks, and stopped only if it was. */
export function createOnce<T extends { stop(): Promise<void> }>(start: () => Promise<T>) {
  let started: Promise<T> | null = null
  return {
    get: (): Promise<T> => (started ??= start()),
    stop: async (): Promise<void> => {
      const last = started
      started = null
      await (await last?.catch(() => null))?.stop()
    },
  }
}

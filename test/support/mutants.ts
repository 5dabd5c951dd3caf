// Mutation tests of the server: what must never happen is made to happen by one broken symbol, and the check that guards
// against it must fail. Each check passes on the real server first, so that it is the broken symbol that it catches.
import { beforeAll, expect, test } from 'vitest'
import { startApp, type TestApp } from './app.ts'
import { bundleMutants, type LoadBroken, type Mutant } from './broken-server.ts'

/** A mutant, and what catches it. */
export interface TestedMutant extends Mutant {
  name: string
  limits?: object
  /** Throws where the promise is broken. */
  check(app: TestApp): Promise<void>
}

/** One test for each mutant; all of a file are in one bundle. */
export const testMutants = (mutants: TestedMutant[]): void => {
  let bundled: Promise<LoadBroken>
  beforeAll(async () => {
    bundled = bundleMutants(mutants)
    await bundled
  })
  test.each(mutants)(
    '$name is caught',
    async (mutant) => {
      const { check, limits = {} } = mutant
      await check(await startApp({ limits }))
      const server = await (await bundled)(mutant)
      await expect(check(await startApp({ limits, server }))).rejects.toThrow()
    },
    60_000,
  )
}

/** Saves changes that were built on this version. */
export const save = (app: TestApp, id: string, version: number, changes: object, headers = {}) =>
  app.call('PATCH', `/records/project/${id}`, { body: { client_version: version, changes }, headers })

// What every storage of unsent edits must do, by itself and beneath a client whose page goes away.
import assert from 'node:assert/strict'
import { createOffline, type Tabs } from 'noclobber/offline'
import { createFastClock } from '../app/clocks.ts'
import type { TestDatabaseOptions } from '../app/test-database.ts'
import { waitFor } from '../app/wait-for.ts'
import { createKit, createOnce, type Kit } from './check.ts'
import { type OpenStorage, STORAGE_CHECKS } from './storage-checks.ts'
import { startWorld } from './world.ts'

/** What {@link storageKit} takes. */
export interface StorageKitOptions {
  /**
   * Opens the storage of this name. Opened twice under one name, both see the same entries, as two tabs of a browser do: what one page
   * has put is there for the next.
   */
  open: OpenStorage
  /** Where the kit's database is made. Default: on an embedded PostgreSQL. */
  database?: TestDatabaseOptions
}

/** One tab after the other: those of before are gone. */
const oneTab: Tabs = {
  enter: () => () => {},
  alive: async () => new Set(),
  alone: (_task, work) => work(),
  notify: () => {},
  onChange: () => () => {},
}

interface Document {
  name: string
}

/**
 * Everything that an `EditStorage` of `noclobber/offline` must do.
 *
 * @example
 * const kit = storageKit({ open: (name) => createMyStorage(name) })
 * for (const { name, run } of kit.checks) test(name, run)
 * afterAll(kit.stop)
 */
export function storageKit({ open, database }: StorageKitOptions): Kit {
  const world = createOnce(() => startWorld(database))
  let names = 0
  const fresh = () => `conformance ${Date.now()} ${++names}`
  const checks = Object.entries(STORAGE_CHECKS).map(
    ([name, check]) => [name, () => check(open, fresh())] as const,
  )
  return createKit(
    {
      ...Object.fromEntries(checks),
      'what one person typed offline is sent by the next page, and the other person sees it': async () => {
        const server = await world.get()
        const name = fresh()
        const clock = createFastClock()
        const page = () =>
          server.open('alice', { clock, offline: createOffline({ storage: open(name), tabs: oneTab }) })
        const { id } = await server.create('document', { name: 'Bridge' })
        const bob = await server.open('bob', { clock })
        const theirs = await bob.edit<Document>('document', id)
        const first = await page()
        const editor = await first.edit<Document>('document', id)
        first.line.cut()
        editor.change('name', 'Ferry')
        await editor.save()
        await waitFor(async () => (await open(name).all('alice')).length > 0, {
          what: 'the draft in the storage',
        })
        await first.close()
        const second = await page()
        const again = await second.edit<Document>('document', id)
        await waitFor(() => again.get().record?.fields.name === 'Ferry', {
          what: () =>
            `the draft of the page before; the record is ${JSON.stringify(again.get().record?.fields)}`,
        })
        await waitFor(() => theirs.values().name === 'Ferry', { what: 'the other person to see it' })
        const { version } = await server.knex('documents').where({ id }).first('version')
        assert.equal(Number(version), 2, 'the save was made other than once')
      },
    },
    world.stop,
  )
}

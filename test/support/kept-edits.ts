// What a page has kept on its device: a tab may be killed only when the edit is there, for what was typed a moment ago may die
// with it.
import type { Page } from 'playwright-core'
import { waitFor } from './wait-for.ts'

/** Names in the drafts that lie in the page's IndexedDB. */
const keptNames = (page: Page): Promise<unknown[]> =>
  page.evaluate(
    () =>
      new Promise<unknown[]>((resolve, reject) => {
        const opened = indexedDB.open('noclobber')
        opened.onerror = () => reject(opened.error)
        opened.onsuccess = () => {
          const all = opened.result.transaction('edits').objectStore('edits').getAll()
          all.onerror = () => reject(all.error)
          all.onsuccess = () => {
            opened.result.close()
            resolve(all.result.map(({ edits }) => edits.draft.name))
          }
        }
      }),
  )

export const waitUntilKept = (page: Page, name: string): Promise<boolean> =>
  waitFor(async () => (await keptNames(page)).includes(name), { what: `${name} on the device` })

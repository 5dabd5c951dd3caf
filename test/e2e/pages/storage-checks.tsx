// The storage checks of noclobber/testing on this browser's IndexedDB; the page's title says how they end.
import { createIndexedDbStorage } from 'noclobber/offline'
import { STORAGE_CHECKS } from '../../../testing/conformance/storage-checks.ts'

const failed: string[] = []
const names = Object.keys(STORAGE_CHECKS)
for (const name of names)
  await STORAGE_CHECKS[name]?.(createIndexedDbStorage, name).catch((error: Error) => {
    failed.push(`${name}: ${error.message}`)
  })
document.title = failed.length === 0 ? `${names.length} passed` : failed.join(' ')

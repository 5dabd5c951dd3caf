// For bundles of the sources: `migrations/sql.ts` reads the SQL files beside itself, not beside the bundle.
import { pathToFileURL } from 'node:url'
import type { Plugin } from 'vite'

export const besideSource: Plugin = {
  name: 'beside-source',
  transform: (code, id) =>
    id.endsWith('/migrations/sql.ts')
      ? { code: code.replaceAll('import.meta.url', JSON.stringify(pathToFileURL(id).href)), map: null }
      : null,
}

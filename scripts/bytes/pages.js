// What pages load before anything is used, beside React: the code of each kind of page, its budget in bytes (minified and
// gzipped), and how it is bundled. `npm run bytes` prints the figures, test/architecture/package.test.ts compares them.
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'vite'

const root = fileURLToPath(new URL('../..', import.meta.url))
const ENTRY = 'virtual:page'

/** What is used is kept: an app's entry exports nothing. */
const keeping = (imports) =>
  imports.map((line) => `import ${line}`).join('\n') +
  `\nglobalThis.page = [${imports.map((line) => line.replace(/^\* as (\w+) from.*|^{(.*)} from.*/, '$1$2'))}]`

export const PAGES = {
  /** One record, followed and saved. */
  record: { budget: 20_740, code: keeping(["{ createRecordClient } from 'noclobber/client'"]) },
  /** A form with its banner and dialog. */
  form: {
    budget: 34_150,
    code: keeping([
      "{ createRecordClient } from 'noclobber/client'",
      "{ ConflictDialog, LiveProvider, UpdateBanner, useRecordEditor } from 'noclobber/react'",
    ]),
  },
  /** The same without React. */
  dom: {
    budget: 33_310,
    code: keeping(["{ createRecordClient } from 'noclobber/client'", "* as dom from 'noclobber/dom'"]),
  },
  /** Everything that the client's door has. */
  client: { budget: 34_220, code: keeping(["* as client from 'noclobber/client'"]) },
  /** Both doors whole. */
  whole: {
    budget: 49_730,
    code: keeping(["* as client from 'noclobber/client'", "* as react from 'noclobber/react'"]),
  },
}

/** The chunks of a page as Vite builds an app: those that it loads first, and the rest. */
export const bundlePage = async (code) => {
  const door = (name) => [`noclobber/${name}`, join(root, `dist/web/${name}/index.js`)]
  const built = await build({
    configFile: false,
    logLevel: 'silent',
    root,
    mode: 'production',
    // As an app is built, whatever the tests run in.
    define: { 'process.env.NODE_ENV': '"production"' },
    plugins: [
      {
        name: 'entry',
        resolveId: (id) => (id === ENTRY ? ENTRY : null),
        load: (id) => (id === ENTRY ? code : null),
      },
    ],
    resolve: {
      alias: Object.fromEntries(['client', 'react', 'dom'].map(door)),
      conditions: ['module', 'browser', 'production'],
    },
    build: {
      write: false,
      minify: true,
      target: 'esnext',
      modulePreload: false,
      rolldownOptions: { input: ENTRY, external: /^(react|react-dom)(\/|$)/ },
    },
  })
  const [{ output }] = [built].flat()
  const chunks = new Map(output.flatMap((file) => (file.type === 'chunk' ? [[file.fileName, file]] : [])))
  const first = new Set([...chunks.values()].filter(({ isEntry }) => isEntry))
  for (const { imports } of first)
    for (const file of imports) if (chunks.has(file)) first.add(chunks.get(file))
  const later = new Set([...chunks.values()].filter((chunk) => !first.has(chunk)))
  return { first: [...first], later: [...later] }
}

export const gzipped = (chunks) => chunks.reduce((sum, { code }) => sum + gzipSync(code).length, 0)

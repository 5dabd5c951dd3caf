// A page of test/e2e/pages/, built for a browser with the doors resolved to the sources.
import { fileURLToPath } from 'node:url'
import express, { type Express } from 'express'
import { build, type Rolldown } from 'vite'

const source = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url))

/** Its scripts by the path that they are loaded from; the page itself is `/page.js`. `path`: another page than one of that folder. */
export async function buildPage(
  name: string,
  path = source(`test/e2e/pages/${name}.tsx`),
): Promise<Map<string, string>> {
  const built = await build({
    configFile: false,
    logLevel: 'error',
    oxc: { jsx: { runtime: 'automatic', development: false } },
    define: { 'process.env.NODE_ENV': '"production"' },
    resolve: {
      alias: {
        'noclobber/client': source('web/client/index.ts'),
        'noclobber/react': source('web/react/index.ts'),
        'noclobber/dom': source('web/dom/index.ts'),
        'noclobber/offline': source('web/client/offline/index.ts'),
        'noclobber/react-hook-form': source('web/react-hook-form/index.ts'),
        'noclobber/tanstack-query': source('web/tanstack-query/index.ts'),
      },
    },
    build: {
      write: false,
      minify: false,
      lib: { entry: path, formats: ['es'], fileName: 'page' },
    },
  })
  const { output } = [built].flat()[0] as Rolldown.RolldownOutput
  return new Map(
    output.flatMap((file) => (file.type === 'chunk' ? [[`/${file.fileName}`, file.code] as const] : [])),
  )
}

const PLAIN = '<!doctype html><div id="root"></div><script type="module" src="/page.js"></script>'

/** An app that serves it at `/`, in this document, with these style sheets at `/styles.css`. */
export function appOfPage(files: Map<string, string>, { document = PLAIN, styles = '' } = {}): Express {
  const app = express()
  app.get('/', (_request, response) => void response.send(document))
  app.get('/styles.css', (_request, response) => void response.type('css').send(styles))
  app.get('/{*file}.js', (request, response) => void response.type('js').send(files.get(request.path)))
  return app
}

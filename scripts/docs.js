// `npm run docs`: builds the site to .noclobber/docs and shows it. `--build`: only builds; `--out=DIR`, `--port=4000`. Ends with 1 where
// a link leads nowhere.
import { createReadStream, existsSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import { extname, join, normalize, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildSite } from './docs/site.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const option = (name, fallback) =>
  process.argv.find((argument) => argument.startsWith(`--${name}=`))?.slice(name.length + 3) ?? fallback
const out = resolve(option('out', join(root, '.noclobber/docs')))

const begun = performance.now()
const { pages, broken } = await buildSite(root, out)
console.log(`${pages.length} pages in ${((performance.now() - begun) / 1000).toFixed(1)} s: ${out}`)
for (const link of broken) console.error(`leads nowhere: ${link}`)
process.exitCode = broken.length > 0 ? 1 : 0

const TYPES = {
  '.html': 'text/html',
  '.css': 'text/css',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.gif': 'image/gif',
  '.png': 'image/png',
}

if (!process.argv.includes('--build'))
  createServer((request, response) => {
    const { pathname } = new URL(request.url, 'http://localhost')
    const path = join(out, normalize(decodeURIComponent(pathname)))
    const file = existsSync(path) && statSync(path).isDirectory() ? join(path, 'index.html') : path
    if (!file.startsWith(out) || !existsSync(file)) return response.writeHead(404).end('Not found')
    response.writeHead(200, { 'content-type': `${TYPES[extname(file)] ?? 'text/plain'}; charset=utf-8` })
    createReadStream(file).pipe(response)
  }).listen(Number(option('port', '4000')), '127.0.0.1', function () {
    console.log(`http://localhost:${this.address().port}/`)
  })

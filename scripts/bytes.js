// `npm run bytes`: what each kind of page (scripts/bytes/pages.js) loads first, minified and gzipped, beside React, and its
// budget, as Vite builds an app. `npm run bytes -- form`: the same by room and by file, and what that page loads later.
import { fileURLToPath } from 'node:url'
import { minifySync } from 'rolldown/utils'
import { bundlePage, gzipped, PAGES } from './bytes/pages.js'

const dist = fileURLToPath(new URL('../dist/', import.meta.url))
const asked = process.argv.slice(2)

for (const [name, { budget, code }] of Object.entries(PAGES)) {
  if (asked.length > 0 && !asked.includes(name)) continue
  const { first, later } = await bundlePage(code)
  print(gzipped(first), `${name} (budget ${budget})`)
  if (asked.length === 0) continue
  const shares = sharesOf(first)
  const rooms = new Map()
  for (const [file, bytes] of shares) rooms.set(roomOf(file), (rooms.get(roomOf(file)) ?? 0) + bytes)
  for (const [title, table] of [
    ['by room', rooms],
    ['by file', shares],
  ]) {
    console.log(`\n  ${title}`)
    for (const [key, bytes] of [...table].sort(([, a], [, b]) => b - a)) print(bytes, key)
  }
  console.log('\n  later')
  for (const chunk of later.sort((a, b) => gzipped([b]) - gzipped([a])))
    print(gzipped([chunk]), Object.keys(chunk.modules).map(short).join(', ').slice(0, 200))
  console.log()
}

/** Each file's part of the gzipped bytes, by the length of its minified code. */
function sharesOf(chunks) {
  const lengths = chunks.flatMap((chunk) =>
    Object.entries(chunk.modules).map(([id, { code }]) => [
      short(id),
      minifySync(id, code ?? '', { module: true, compress: false, mangle: { toplevel: true } }).code.length,
    ]),
  )
  const all = lengths.reduce((sum, [, length]) => sum + length, 0)
  return new Map(lengths.map(([file, length]) => [file, (length / all) * gzipped(chunks)]))
}

function short(id) {
  return id.replace(dist, '').replace(/.*node_modules\//, '')
}

function roomOf(file) {
  return file.includes('/') ? file.slice(0, file.lastIndexOf('/')) : file
}

function print(bytes, text) {
  console.log(`${String(Math.round(bytes)).padStart(8)} B  ${text}`)
}

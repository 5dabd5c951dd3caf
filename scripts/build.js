// `npm run build`: server/, web/ and testing/ to dist/ by the compiler, SQL and styles as they are, the demo's page by Vite. Does
// nothing where nothing changed. Files are replaced in place and strays swept afterwards, so a program that runs from dist/
// meanwhile never finds it empty.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFile, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildCommonJs } from './build-commonjs.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const dist = join(root, 'dist')
const stamp = join(root, 'node_modules/.cache/noclobber/build')

const SOURCES = ['server', 'migrations', 'web', 'testing', 'scripts/build.js', 'scripts/build-commonjs.js']
const SETTINGS = ['package.json', 'package-lock.json', 'tsconfig.base.json']
const STYLES = ['web/react/styles.css', 'web/react/history/history.css']
const PAGE = 'web/demo/index.html'

const sources = (await Promise.all(SOURCES.map(filesBelow))).flat().sort()
const fingerprint = await fingerprintOf([...sources, ...SETTINGS])
if ((await readFile(stamp, 'utf8').catch(() => '')) === fingerprint && (await hasEveryDoor())) process.exit(0)

await rm(stamp, { force: true })
// Without these the compiler trusts that what it once wrote is still there.
await Promise.all(
  ['server', 'web', 'testing'].map((side) => rm(join(dist, `${side}.tsbuildinfo`), { force: true })),
)
const compiled = await Promise.all(['server', 'web'].map(compile))
// It is compiled against the types of both.
compiled.push(!compiled.includes(false) && (await compile('testing')))
await sweep()
for (const path of sources.filter(isCopied)) {
  await mkdir(dirname(join(dist, path)), { recursive: true })
  await copyFile(join(root, path), join(dist, path))
}
await Promise.all(STYLES.map(writeUnlayered))
// What lets a compiler find `import 'noclobber/styles.css'`.
for (const path of STYLES.flatMap((style) => [style, unlayered(style)]))
  await writeFile(join(dist, `${path}.d.ts`), 'export {}\n')
await adaptTypes()
if (!compiled.includes(false)) await buildCommonJs(dist, await codeDoors())
const isPageBuilt = !sources.includes(PAGE) || (await buildPage())
if (!isPageBuilt || compiled.includes(false)) process.exit(1)
await mkdir(dirname(stamp), { recursive: true })
await writeFile(stamp, fingerprint)

function unlayered(path) {
  return path.replace('styles.css', 'unlayered.css').replace('history.css', 'history-unlayered.css')
}

/** The same rules without their layer: for pages whose resets are in none, and would win over every layer. */
async function writeUnlayered(path) {
  const text = await readFile(join(root, path), 'utf8')
  const [, rules] = /^@layer noclobber \{\n(.*)^\}\n*$/ms.exec(text) ?? []
  if (rules === undefined) throw new Error(`${path} is no longer one layer.`)
  await writeFile(
    join(dist, unlayered(path)),
    `/* ${basename(path)} without its layer. */\n${rules.replace(/^ {2}/gm, '')}`,
  )
}

/**
 * Types for every compiler: those before TypeScript 5 don't resolve the names of sources; and an app may be without Knex or pg: what
 * is typed by them is `any` there, and its compiler has nothing to say, also without `skipLibCheck`.
 */
async function adaptTypes() {
  for (const path of await filesBelow('dist')) {
    if (!path.endsWith('.d.ts') || path.startsWith(join('dist', 'cjs'))) continue
    const text = await readFile(join(root, path), 'utf8')
    const adapted = text
      .replace(/(\bfrom |\bimport\()(['"])(\.{1,2}\/[^'"]*)\.tsx?\2/g, '$1$2$3.js$2')
      .replace(
        /(?<!@ts-ignore\n)^import (?:type .*|\{ type Knex \}) from '(knex|pg)';$/gm,
        '// @ts-ignore\n$&',
      )
    if (adapted !== text) await writeFile(join(root, path), adapted)
  }
}

/** Files that are read as they are. */
function isCopied(path) {
  return STYLES.includes(path) || /^migrations\/.*\.sql$/.test(path)
}

/** Paths from the root of all files in a folder, or the file itself. */
async function filesBelow(path) {
  if (!(await stat(join(root, path))).isDirectory()) return [path]
  const entries = await readdir(join(root, path), { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length))
}

async function fingerprintOf(paths) {
  const hash = createHash('sha256').update(process.version)
  for (const path of paths) hash.update(`\0${path}\0`).update(await readFile(join(root, path)))
  return hash.digest('hex')
}

async function hasEveryDoor() {
  const files = await doorFiles()
  const copies = sources.filter(isCopied).map((path) => join('dist', path))
  const pages = sources.includes(PAGE) ? ['dist/web/demo/index.html'] : []
  const found = await Promise.all(
    [...files, ...copies, ...pages].map((file) => stat(join(root, file)).catch(() => null)),
  )
  return !found.includes(null)
}

/** Every file that the package exports. */
async function doorFiles() {
  const { exports } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  const filesOf = (door) => (typeof door === 'string' ? [door] : Object.values(door).flatMap(filesOf))
  return [...new Set(filesOf(exports))]
}

/** The modules among them, from dist/, by the names under which they are imported. */
async function codeDoors() {
  const { name, exports } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  const modules = Object.entries(exports).filter(([, door]) => /\.js$/.test(door.default ?? ''))
  return Object.fromEntries(
    modules.map(([door, { default: path }]) => [door.replace('.', name), path.slice('./dist/'.length)]),
  )
}

/** Quiet unless it fails. */
function compile(side) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['node_modules/typescript/bin/tsc', '-p', side], {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    child.on('close', (code) => resolve(code === 0))
  })
}

async function buildPage() {
  const { build } = await import('vite')
  return build({ configFile: join(root, 'web/demo/vite.config.ts'), logLevel: 'warn' }).then(
    () => true,
    ({ message }) => {
      console.error(message)
      return false
    },
  )
}

/** Removes what was compiled or copied from sources that are gone. */
async function sweep() {
  const page = join('dist', 'web', 'demo')
  const commonJs = join('dist', 'cjs')
  for (const path of await filesBelow('dist').catch(() => [])) {
    if (path.startsWith(commonJs)) continue
    if (STYLES.some((styles) => path === join('dist', `${styles}.d.ts`))) continue
    const from = path.slice('dist/'.length).replace(/(\.d\.ts|\.js)$/, '')
    const isCompiled = from !== path.slice('dist/'.length) && !path.startsWith(page)
    const isStray = isCompiled
      ? !sources.includes(`${from}.ts`) && !sources.includes(`${from}.tsx`)
      : isCopied(from) && !sources.includes(from)
    if (isStray) await rm(join(root, path))
  }
}

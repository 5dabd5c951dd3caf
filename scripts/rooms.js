// `npm run rooms`: the rooms of the sources (scripts/rooms.json), their sizes, and which imports which. A room may import
// only rooms that stand before it in its list. Ends with 1 where one imports back, or a file lies in no room. `--json`: as data.
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const sides = JSON.parse(readFileSync(join(root, 'scripts/rooms.json'), 'utf8'))
const IMPORT =
  /(?:^|\n)\s*(?:import|export)\b(?:[^'";]*?\bfrom)?\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/g

const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
})
const files = listed
  .split('\n')
  .filter((path) => /^(server|web|testing|migrations)\/.*\.tsx?$/.test(path) && existsSync(join(root, path)))

/** The room that a file lies in: its folder, or for deeper ones the nearest folder that is a room. */
function roomOf(path, rooms) {
  for (let folder = posix.dirname(path); folder !== '.'; folder = posix.dirname(folder))
    if (rooms.includes(folder)) return folder
  return null
}

/** Files of the project that a file imports by path, types included. */
function importsOf(path) {
  const code = readFileSync(join(root, path), 'utf8')
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/(^|\s)\/\/.*$/gm, '$1')
  return [...code.matchAll(IMPORT)]
    .map((match) => match[1] ?? match[2])
    .filter((from) => from.startsWith('.'))
    .map((from) => posix.join(posix.dirname(path), from))
    .filter((target) => files.includes(target))
}

function linesOf(path) {
  return readFileSync(join(root, path), 'utf8').trimEnd().split('\n').length
}

function sizesOf(paths) {
  const lines = paths.map(linesOf).sort((a, b) => a - b)
  const at = (share) => lines[Math.min(lines.length - 1, Math.floor(lines.length * share))] ?? 0
  return { files: lines.length, median: at(0.5), p90: at(0.9), longest: lines.at(-1) ?? 0 }
}

/** One side's rooms in their order, with the number of imports from each to each, and those that run back. */
function readSide(name, table) {
  const rooms = table.map(([room]) => room)
  const own = files.filter((path) => roomOf(path, rooms) !== null)
  const counts = new Map()
  const back = []
  for (const path of own)
    for (const target of importsOf(path)) {
      const [from, to] = [roomOf(path, rooms), roomOf(target, rooms)]
      if (from === to) continue
      if (to === null || rooms.indexOf(to) > rooms.indexOf(from)) back.push(`${path} imports ${target}`)
      counts.set(`${from} ${to}`, (counts.get(`${from} ${to}`) ?? 0) + 1)
    }
  return {
    side: name,
    rooms: table.map(([room, what]) => ({
      room,
      what,
      ...sizesOf(own.filter((path) => roomOf(path, rooms) === room)),
      imports: Object.fromEntries(
        rooms.filter((to) => counts.has(`${room} ${to}`)).map((to) => [to, counts.get(`${room} ${to}`)]),
      ),
    })),
    back,
  }
}

const read = Object.entries(sides).map(([name, table]) => readSide(name, table))
const known = Object.values(sides).flatMap((table) => table.map(([room]) => room))
const homeless = files.filter((path) => roomOf(path, known) === null)

if (process.argv.includes('--json')) console.log(JSON.stringify({ sides: read, homeless }))
else for (const side of read) print(side)
for (const line of [
  ...read.flatMap(({ back }) => back),
  ...homeless.map((path) => `${path} lies in no room`),
])
  console.error(line)
process.exitCode = read.some(({ back }) => back.length > 0) || homeless.length > 0 ? 1 : 0

/** Rows import columns, numbered as the rooms are; what stands right of the diagonal runs back. */
function print({ side, rooms, back }) {
  const width = Math.max(...rooms.map(({ room }) => room.length))
  const heads = rooms.map((_, index) => String(index + 1).padStart(4)).join('')
  console.log(`${side}: files, lines (median, p90, longest), and how often a room imports another`)
  console.log(`${''.padEnd(width + 4)} files  med  p90  max ${heads}`)
  for (const [index, { room, files: count, median, p90, longest, imports }] of rooms.entries()) {
    const numbers = [count, median, p90, longest].map((number) => String(number).padStart(5)).join('')
    const cells = rooms.map((to) => String(imports[to.room] ?? '·').padStart(4)).join('')
    console.log(`${String(index + 1).padStart(2)}  ${room.padEnd(width)} ${numbers} ${cells}`)
  }
  console.log(`${back.length} imports run back\n`)
}

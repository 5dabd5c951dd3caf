// The rooms of the sources: scripts/rooms.json in its order, kept by reading every import there is.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { importsOf, projectFiles, root, sourceFiles, textOf } from './sources.ts'

interface Room {
  room: string
  what: string
  /** Source files that lie in it. */
  files: number
  /** How many imports name a file of another room, by that room. */
  imports: Record<string, number>
}

interface Rooms {
  sides: { side: string; rooms: Room[]; back: string[] }[]
  homeless: string[]
}

const MOST_FILES = 20

const files = await sourceFiles()
const { sides, homeless } = await readRooms()

/** What `npm run rooms` prints, as data; it ends with 1 where an import runs back. */
async function readRooms(): Promise<Rooms> {
  const script = promisify(execFile)(process.execPath, ['scripts/rooms.js', '--json'], { cwd: root })
  const { stdout } = await script.catch((error: { stdout: string }) => error)
  return JSON.parse(stdout)
}

describe.for(sides)('$side', ({ rooms, back }) => {
  test('no import runs back', () => {
    expect(Object.keys(Object.assign({}, ...rooms.map(({ imports }) => imports))).length).toBeGreaterThan(
      rooms.length > 5 ? 5 : 1,
    )
    expect(back).toEqual([])
  })

  test(`a room has at most ${MOST_FILES} files, and no room is empty`, () => {
    expect(rooms.filter(({ files }) => files > MOST_FILES || files === 0)).toEqual([])
  })
})

test('every source file lies in a room', () => {
  expect(files.length).toBeGreaterThan(300)
  expect(homeless).toEqual([])
})

test('beside the rooms lie only the doors and their wiring', () => {
  expect(files.filter((path) => /^(server|web|web\/client)\/[^/]+$/.test(path)).sort()).toEqual([
    'server/attached-servers.ts',
    'server/index.ts',
    'server/record-server-interface.ts',
    'server/record-server.ts',
    'web/client/index.ts',
    'web/client/record-client-options.ts',
    'web/client/record-client.ts',
  ])
})

describe('an import', () => {
  const stray = (isStray: (path: string, target: string) => boolean) =>
    files.flatMap((path) =>
      importsOf(path)
        .filter(({ from, file }) => isStray(path, file ?? from))
        .map(({ from }) => `${path} imports ${from}`),
    )

  test('names a file that is there', () => {
    const all = new Set(files)
    expect(
      stray((_, target) => /^(server|web|testing|migrations)\/.*\.tsx?$/.test(target) && !all.has(target)),
    ).toEqual([])
  })

  test('of bench/ and scripts/ names what the build makes of a source', async () => {
    const programs = (await projectFiles()).filter((path) => /^(bench|scripts)\/.*\.js$/.test(path))
    const built = programs.flatMap((path) => importsOf(path).map(({ file }) => file ?? ''))
    const sources = built.filter((file) => file.startsWith('dist/')).map((file) => file.slice('dist/'.length))
    expect(sources.length).toBeGreaterThan(3)
    expect(sources.filter((file) => !files.includes(file.replace(/\.js$/, '.ts')))).toEqual([])
  })

  test('of the web side names only the protocol of the server', () => {
    const isServers = (target: string) => /^(server|migrations)\//.test(target)
    expect(
      stray(
        (path, target) =>
          path.startsWith('web/') && isServers(target) && !target.startsWith('server/protocol/'),
      ),
    ).toEqual([])
  })

  test('of the server and of migrations names nothing of the web side', () => {
    expect(stray((path, target) => !path.startsWith('web/') && target.startsWith('web/'))).toEqual([])
  })

  test('of web/client names no framework', () => {
    const isReact = (target: string) => /^react(-dom)?(\/|$)|^web\/react/.test(target)
    expect(files.some((path) => importsOf(path).some(({ from }) => isReact(from)))).toBe(true)
    expect(stray((path, target) => path.startsWith('web/client/') && isReact(target))).toEqual([])
  })

  test('of a demo and of testing/ names the public doors, and of the library never', () => {
    const isDemo = (path: string) => /^((server|web)\/demo|testing)\//.test(path)
    const isDoor = (target: string) => target.startsWith('noclobber/')
    const isLibrary = (target: string) => /^(server|web|migrations)\//.test(target) && !isDemo(target)
    expect(stray((path, target) => isDemo(path) && isLibrary(target))).toEqual([])
    expect(stray((path, target) => !isDemo(path) && (isDoor(target) || isDemo(target)))).toEqual([])
  })
})

test('no file imports itself, however long the way round', () => {
  const cycles: string[] = []
  const done = new Set<string>()
  const walk = (path: string, way: string[]) => {
    if (way.includes(path)) cycles.push([...way.slice(way.indexOf(path)), path].join(' → '))
    if (done.has(path) || way.includes(path)) return
    for (const { file } of importsOf(path))
      if (file !== null && files.includes(file)) walk(file, [...way, path])
    done.add(path)
  }
  for (const path of files) walk(path, [])
  expect(cycles).toEqual([])
})

test('docs/architecture.md lists the rooms in their order, each with its sentence', () => {
  const listed = textOf('docs/architecture.md').match(
    /^\| `(server|web|testing|migrations)[^`]*` \| .* \|$/gm,
  )
  expect(listed).toEqual(
    sides.flatMap(({ rooms }) => rooms.map(({ room, what }) => `| \`${room}/\` | ${what} |`)),
  )
})

// Imports run one way: the picture of docs/architecture.md, kept by reading every import there is.
import { expect, test } from 'vitest'
import { importsOf, sourceFiles } from './sources.ts'

type Side =
  | 'protocol'
  | 'server'
  | 'migrations'
  | 'server/demo'
  | 'web/client'
  | 'web/react'
  | 'web/react-hook-form'
  | 'web/tanstack-query'
  | 'web/demo'

/** Which sides a side's files may name by path. Whoever is not in its list is reached by a public door or not at all. */
const MAY_IMPORT: Record<Side, Side[]> = {
  protocol: ['protocol'],
  server: ['server', 'protocol', 'migrations'],
  migrations: ['migrations', 'server', 'protocol'],
  'server/demo': ['server/demo'],
  'web/client': ['web/client', 'protocol'],
  'web/react': ['web/react', 'web/client', 'protocol'],
  'web/react-hook-form': ['web/react-hook-form', 'web/client', 'protocol'],
  'web/tanstack-query': ['web/tanstack-query', 'web/client', 'protocol'],
  'web/demo': ['web/demo'],
}

const sideOf = (path: string): Side => {
  if (path.startsWith('server/protocol/')) return 'protocol'
  const sides: Side[] = [
    'server/demo',
    'server',
    'migrations',
    'web/client',
    'web/react',
    'web/react-hook-form',
    'web/tanstack-query',
    'web/demo',
  ]
  const side = sides.find((name) => path.startsWith(`${name}/`))
  if (side === undefined) throw new Error(`${path} belongs to no side of the house`)
  return side
}

const files = await sourceFiles()

test('every import stays on its side', () => {
  const strays = files.flatMap((path) =>
    importsOf(path)
      .filter(({ file }) => file !== null && !MAY_IMPORT[sideOf(path)].includes(sideOf(file)))
      .map(({ from }) => `${path} imports ${from}`),
  )
  expect(files.length).toBeGreaterThan(20)
  expect(strays).toEqual([])
})

test('every relative import names a file that is there', () => {
  const all = new Set(files)
  const missing = files.flatMap((path) =>
    importsOf(path)
      .filter(({ file }) => file !== null && /\.tsx?$/.test(file) && !all.has(file))
      .map(({ from }) => `${path} imports ${from}`),
  )
  expect(missing).toEqual([])
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

test('web/client names no framework', () => {
  const named = files
    .filter((path) => path.startsWith('web/client/'))
    .flatMap((path) => importsOf(path).map(({ from }) => from))
  expect(named).toContain('socket.io-client')
  expect(named.filter((from) => /^react(-dom)?(\/|$)/.test(from))).toEqual([])
})

test('only the demo uses the public doors', () => {
  const users = files.filter((path) => importsOf(path).some(({ from }) => from.startsWith('noclobber/')))
  expect(users.filter((path) => !sideOf(path).endsWith('/demo'))).toEqual([])
  expect(users).not.toEqual([])
})

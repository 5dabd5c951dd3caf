// What the doors export is explained where it is declared: each value and each type by a sentence, each option by one of its own.
import { existsSync } from 'node:fs'
import { join, posix } from 'node:path'
import { describe, expect, test } from 'vitest'
import { root, textOf } from './sources.ts'

const DOORS = {
  server: 'server/index.ts',
  migrations: 'migrations/index.ts',
  client: 'web/client/index.ts',
  react: 'web/react/index.ts',
  dom: 'web/dom/index.ts',
  history: 'web/react/history/index.ts',
  'react-hook-form': 'web/react-hook-form/index.ts',
  'tanstack-query': 'web/tanstack-query/index.ts',
  offline: 'web/client/offline/index.ts',
  mcp: 'server/mcp/index.ts',
  testing: 'testing/index.ts',
  devtools: 'web/devtools/index.ts',
}

interface Declared {
  /** The comment right before it. */
  comment: string | null
  /** From its declaration on. */
  text: string
}

const LISTS = /export (?:type )?\{([^}]*)\} from '([^']+)'/g
/** A name that is imported and then exported counts as one that is exported from there. */
const FROM = /(?:ex|im)port (?:type )?\{([^}]*)\} from '([^']+)'/g
const KINDS = '(?:const|function\\*?|class|interface|type)'
const declaring = (name: string) =>
  new RegExp(
    `(/\\*\\*(?:[^*]|\\*(?!/))*\\*/\\n)?(?://.*\\n)*export (?:async )?(?:abstract )?${KINDS} ${name}\\b`,
  )

const partsOf = (list: string): string[] =>
  list
    .split(',')
    .map((part) => part.trim().replace(/^type /, ''))
    .filter((part) => part !== '')

/** Where a name that a file exports is declared; lists of exports are followed. */
const declarationOf = (file: string, name: string): Declared | null => {
  const text = textOf(file)
  const found = declaring(name).exec(text)
  if (found) {
    const [, comment = null] = found
    return { comment, text: text.slice(found.index + (comment?.length ?? 0)) }
  }
  for (const [, list = '', from = ''] of text.matchAll(FROM))
    for (const part of partsOf(list)) {
      const [own = '', as = own] = part.split(' as ')
      const target = posix.join(posix.dirname(file), from)
      if (as === name && existsSync(join(root, target))) return declarationOf(target, own)
    }
  return null
}

/** What a door exports, by the lists of its file and by what it declares itself. */
const exportsOf = (file: string): string[] => {
  const text = textOf(file)
  const listed = [...text.matchAll(LISTS)].flatMap(([, list = '']) =>
    partsOf(list).map((part) => part.split(' as ').at(-1) ?? ''),
  )
  const own = [...text.matchAll(new RegExp(`^export (?:async )?${KINDS} (\\w+)`, 'gm'))]
  return [...listed, ...own.map(([, name = '']) => name)]
}

const bodyOf = (declared: Declared | null): string[] =>
  (/^[^{]*\{\n([\s\S]*?)\n\}/.exec(declared?.text ?? '')?.[1] ?? '').split('\n')

const memberIn = (line: string): string | undefined => /^ {2}(?:readonly )?(\w+)\??[:(<]/.exec(line)?.[1]

const membersOf = (file: string, name: string): string[] =>
  bodyOf(declarationOf(file, name)).flatMap((line) => memberIn(line) ?? [])

describe.for(Object.entries(DOORS))('noclobber/%s', ([, file]) => {
  test('explains each value and type that it exports', () => {
    const names = exportsOf(file)
    expect(names.length).toBeGreaterThan(1)
    expect(names.filter((name) => !/\w{2}/.test(declarationOf(file, name)?.comment ?? ''))).toEqual([])
  })
})

/** Every member of these has a sentence of its own: what it is, of an option its unit and its default too. */
const OPTIONS: [file: string, name: string][] = [
  ['server/index.ts', 'RecordServerOptions'],
  ['server/index.ts', 'Limits'],
  ['server/index.ts', 'Shortcuts'],
  ['server/index.ts', 'RecordTypeOptions'],
  ['server/index.ts', 'DoctorOptions'],
  ['server/index.ts', 'PruneOptions'],
  ...['Diagnosis', 'Finding', 'Health', 'HealthCheck', 'Pruned', 'Erased', 'RevokeOptions'].map(
    (name): [string, string] => ['server/index.ts', name],
  ),
  ['migrations/index.ts', 'TrackOptions'],
  ['migrations/index.ts', 'MigrateOptions'],
  ['web/client/index.ts', 'RecordClientOptions'],
  ['web/client/index.ts', 'FollowOptions'],
  ...['RecordStore', 'ListQuery', 'ListPage', 'Comparison', 'ConnectionState'].map(
    (name): [string, string] => ['web/client/index.ts', name],
  ),
  ['web/react/index.ts', 'RecordEditor'],
  ['web/react/index.ts', 'LiveList'],
  ['web/react/index.ts', 'EditorOptions'],
  ['web/react/index.ts', 'LiveProviderProps'],
  ['web/client/offline/index.ts', 'OfflineOptions'],
  ['web/devtools/index.ts', 'DevtoolsOptions'],
  ...[
    'TestServerOptions',
    'TestDatabaseOptions',
    'Line',
    'TransportKitOptions',
    'ClientKitOptions',
    'ServerKitOptions',
  ].map((name): [string, string] => ['testing/index.ts', name]),
]

test.each(OPTIONS)('%s: each member of %s is explained', (file, name) => {
  const lines = bodyOf(declarationOf(file, name))
  expect(lines.length).toBeGreaterThan(1)
  const bare = lines.flatMap((line, at) => {
    const member = memberIn(line)
    if (member === undefined) return []
    const before = lines.slice(0, at).findLast((one) => !/^\s*\/\/|^\s*$/.test(one)) ?? ''
    return /\*\/\s*$/.test(before) ? [] : [member]
  })
  expect(bare).toEqual([])
})

test('each option of a server, a table and a client is in a guide too', () => {
  const pages = [
    'README.md',
    'SECURITY.md',
    ...['embedding', 'stacks', 'operating', 'protocol'].map((name) => `docs/${name}.md`),
  ]
  const guides = pages.map(textOf).join('\n')
  const members = [
    ...membersOf('server/index.ts', 'RecordServerOptions'),
    ...membersOf('migrations/index.ts', 'TrackOptions'),
    ...membersOf('web/client/index.ts', 'RecordClientOptions'),
  ]
  expect(members.length).toBeGreaterThan(25)
  expect(members.filter((name) => !new RegExp(`\\b${name}\\b`).test(guides))).toEqual([])
})

/** It does the same with a query client as with a function; each door has its own form. */
const SAME_IN_TWO_FORMS = ['invalidateOn']

test('a name has one meaning in all doors', () => {
  const meanings = new Map<string, Set<string>>()
  for (const file of Object.values(DOORS))
    for (const name of exportsOf(file)) {
      const { text } = declarationOf(file, name) ?? { text: file }
      meanings.set(name, (meanings.get(name) ?? new Set()).add(text))
    }
  const ambiguous = [...meanings].flatMap(([name, { size }]) => (size > 1 ? name : []))
  expect(ambiguous).toEqual(SAME_IN_TWO_FORMS)
})

// The SQL files of migrations/: all of them are installed, and each `:name` in them stands for something.
import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { FILES } from '../../migrations/001-change-log.ts'
import { FRAGMENTS, readSql, substitute, VALUES } from '../../migrations/sql.ts'

const FOLDER = fileURLToPath(new URL('../../migrations/', import.meta.url))
const files = (await readdir(FOLDER, { recursive: true })).filter((path) => path.endsWith('.sql')).sort()
/** Of the migrations behind the first. */
const LATER = [
  'restores.sql',
  'proposals.sql',
  'tenant-changes.sql',
  'retention.sql',
  'open-proposals.sql',
  'batched-restores.sql',
]
const fragments = FRAGMENTS.map((name) => `fragments/${name.replaceAll('_', '-')}.sql`)

test('each file is installed, or is a fragment of one', () => {
  expect(files).toEqual([...FILES, ...LATER, ...fragments, 'close-schema.sql'].sort())
})

test('each value and fragment stands in a file', async () => {
  const text = (await Promise.all(files.map((path) => readFile(`${FOLDER}${path}`, 'utf8')))).join('\n')
  const unused = [...Object.keys(VALUES), ...FRAGMENTS].filter(
    (name) => !new RegExp(`:${name}\\b`).test(text),
  )
  expect(unused).toEqual([])
})

test('each file begins with what it is', async () => {
  for (const path of files) expect(await readFile(`${FOLDER}${path}`, 'utf8')).toMatch(/^-- \S/)
})

test('a name that stands for nothing is refused, by the file it is in', () => {
  expect(() => substitute('select :nothing', 'functions/a.sql')).toThrow(
    'functions/a.sql names :nothing, which is neither a value nor a fragment.',
  )
})

test('casts, slices and comments are no names', () => {
  expect(substitute(`select a::text, b[x:y], b[1:2], 'k: v'`, 'a.sql')).toBe(
    `select a::text, b[x:y], b[1:2], 'k: v'`,
  )
  for (const path of FILES) expect(readSql(path)).not.toMatch(/--|[^:\w]:[a-z]/)
})

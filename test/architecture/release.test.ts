// What a release stands on: what the documents say is supported is what the manifest and the workflow have, and the workflow runs
// what is there.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root, textOf } from './sources.ts'

const manifest: {
  version: string
  scripts: Record<string, string>
  engines: { node: string }
  peerDependencies: Record<string, string>
} = JSON.parse(textOf('package.json'))
const versions = textOf('docs/versions.md')
const workflow = textOf('.github/workflows/ci.yml')

const listOf = (name: string): string[] =>
  (new RegExp(`${name}: \\[([\\d, ]+)\\]`).exec(workflow)?.[1] ?? '').split(', ')

test('the workflow tries each Node and each PostgreSQL that is supported', () => {
  expect(listOf('node')).toEqual(['20', '22', '24'])
  expect(listOf('postgres')).toEqual(['14', '15', '16', '17', '18'])
  expect(versions).toContain('| PostgreSQL | 14 to 18 |')
  expect(textOf('migrations/supported.ts')).toContain('OLDEST_POSTGRES = 14')
  expect(manifest.engines.node).toBe('>=20.19')
  expect(versions).toContain('| Node | 20.19 and later of 20')
})

test('the versions of the page are those of the manifest', () => {
  const { knex, pg, react } = manifest.peerDependencies
  expect([knex, pg, react]).toEqual(['^2.5.0 || ^3.0.0', '^8.11.0', '^18.2.0 || ^19.0.0'])
  expect(versions).toContain('2.5 and later of 2, 3; or a pool of `pg` 8.11 and later')
  expect(versions).toContain('| React | 18.2 and later of 18, 19 |')
})

test('the workflow calls scripts that the manifest has', () => {
  const called = [...workflow.matchAll(/npm (?:run )?(test|build|matrix|bench|lint)\b/g)].map(
    ([, name = '']) => name,
  )
  expect(called.length).toBeGreaterThan(2)
  expect(called.filter((name) => !(name in manifest.scripts))).toEqual([])
})

test('the changelog begins with what is not released yet, and names this version', () => {
  const changelog = textOf('CHANGELOG.md')
  expect(/^## (.+)$/m.exec(changelog)?.[1]).toBe('Unreleased')
  expect(changelog).toContain(manifest.version)
})

test('there are templates for issues and pull requests', () => {
  expect(readdirSync(join(root, '.github/ISSUE_TEMPLATE')).toSorted()).toEqual(['bug.yml', 'feature.yml'])
  expect(textOf('.github/pull_request_template.md')).toContain('npm test')
})

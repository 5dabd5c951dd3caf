// What a release stands on: what the documents say is supported is what the manifest and the workflow have, and the workflow runs
// what is there.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
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

test('both packages are released together, in one version, from a tag that names it', async () => {
  const release = parse(textOf('.github/workflows/release.yml'))
  const creator = JSON.parse(textOf('deploy/create-noclobber/package.json'))
  expect(creator).toMatchObject({
    name: 'create-noclobber',
    version: manifest.version,
    engines: manifest.engines,
    dependencies: { noclobber: manifest.version },
  })
  expect(release.on.push.tags).toEqual(['v*'])
  const commands = (release.jobs.publish.steps as { run?: string }[]).map(({ run }) => run)
  expect(commands.slice(-2)).toEqual(['npm run build', 'node scripts/release.js'])
  // What it publishes was tried: the other workflow can be called, and is.
  expect(release.jobs.publish.needs).toBe('ci')
  expect(release.jobs.ci.uses).toBe('./.github/workflows/ci.yml')
  expect(Object.keys(parse(workflow).on)).toContain('workflow_call')
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

/** Its values by their paths, `image.tag`; a list and an empty object are one value. */
const leavesOf = (value: unknown, path = ''): string[] =>
  value === null || typeof value !== 'object' || Array.isArray(value) || Object.keys(value).length === 0
    ? [path]
    : Object.entries(value).flatMap(([key, inner]) => leavesOf(inner, path ? `${path}.${key}` : key))

test('the chart’s templates use each of its values, and no other', () => {
  const templates = readdirSync(join(root, 'deploy/helm/templates')).map((name) =>
    textOf(`deploy/helm/templates/${name}`),
  )
  const used = templates.flatMap((text) =>
    [...text.matchAll(/\.Values\.([\w.]+)/g)].map(([, path = '']) => path),
  )
  const leaves = leavesOf(parse(textOf('deploy/helm/values.yaml')))
  const isUsed = (leaf: string) => used.some((path) => leaf === path || leaf.startsWith(`${path}.`))
  const isThere = (path: string) => leaves.some((leaf) => leaf === path || leaf.startsWith(`${path}.`))
  expect(leaves.filter((leaf) => !isUsed(leaf))).toEqual([])
  expect(used.filter((path) => !isThere(path))).toEqual([])
})

test('the chart asks what a node answers, and sets what the demo reads', () => {
  const deployment = textOf('deploy/helm/templates/deployment.yaml')
  const production = textOf('docs/production.md')
  const probes = [...deployment.matchAll(/path: (\S+)/g)].map(([, path]) => path)
  expect(new Set(probes)).toEqual(new Set(['/healthz', '/readyz']))
  for (const probe of probes) expect(production).toContain(`app.get('${probe}'`)
  const demo = textOf('server/demo/main.ts')
  const names = [...deployment.matchAll(/name: ([A-Z_]+)$|"name" "([A-Z_]+)"/gm)].map(
    ([, plain, kept]) => plain ?? kept,
  )
  expect(names.toSorted()).toEqual(['DATABASE_URL', 'HOST', 'PORT', 'REDIS_URL'])
  expect(names.filter((name) => !new RegExp(`\\b${name}\\b`).test(demo))).toEqual([])
  expect(parse(textOf('deploy/helm/Chart.yaml')).appVersion).toBe(manifest.version)
})

test('there are templates for issues and pull requests', () => {
  expect(readdirSync(join(root, '.github/ISSUE_TEMPLATE')).toSorted()).toEqual(['bug.yml', 'feature.yml'])
  expect(textOf('.github/pull_request_template.md')).toContain('npm test')
})

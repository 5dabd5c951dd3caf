// The site of `npm run docs`: every page is in it, no link leads nowhere, and what the doors export is in the reference with a sentence.
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { beforeAll, expect, test } from 'vitest'
import { readDoors } from '../../scripts/docs/doors.js'
import { buildSite } from '../../scripts/docs/site.js'
import { DEFAULT_LIMITS } from '../../server/base/options.ts'
import { atEnd } from '../support/at-end.ts'
import { codeOf, projectFiles, root, sourceFiles } from './sources.ts'

/** What one page may weigh, with its style and program; the search is loaded when it is used. */
const MOST_BYTES = 200_000

let out: string
let site: Awaited<ReturnType<typeof buildSite>>
const htmlOf = (address: string) => readFile(join(out, address), 'utf8')

beforeAll(async () => {
  out = await mkdtemp(join(tmpdir(), 'site-'))
  atEnd(() => rm(out, { recursive: true, force: true }))
  site = await buildSite(root, out)
})

test('no link of it leads nowhere', () => {
  expect(site.pages.length).toBeGreaterThan(60)
  expect(site.broken).toEqual([])
})

test('each page and each heading that a message of the code names is there', async () => {
  const said = (await sourceFiles()).flatMap((file) =>
    [...codeOf(file).matchAll(/\b(docs\/[\w-]+\.md)(?:#([\w-]+)|, "([^"]+)")?/g)].map(
      ([, page, anchor, title]) => ({ file, page, anchor, title }),
    ),
  )
  expect(said.length).toBeGreaterThan(10)
  const wrong = said.filter(({ page, anchor, title }) => {
    const found = site.pages.find(({ source }) => source === page)
    const headings = found?.headings ?? []
    return !(
      found &&
      (anchor === undefined || headings.some((heading) => heading.anchor === anchor)) &&
      (title === undefined || headings.some((heading) => heading.title === title))
    )
  })
  expect(wrong).toEqual([])
})

test('every page of docs/ is in it', async () => {
  const pages = (await projectFiles()).filter((path) => /^docs\/.*\.md$/.test(path))
  expect(pages.filter((path) => !site.pages.some(({ source }) => source === path))).toEqual([])
})

test('every picture is made by `npm run pictures`', async () => {
  const script = await readFile(join(root, 'scripts/pictures.js'), 'utf8')
  const made = [...script.matchAll(/^ {2}'([\w-]+\.(?:png|gif))': /gm)].map(
    ([, name]) => `docs/images/${name}`,
  )
  expect((await projectFiles()).filter((path) => path.startsWith('docs/images/')).toSorted()).toEqual(
    made.toSorted(),
  )
})

test(`no page weighs more than ${MOST_BYTES / 1000} kB with its pictures`, async () => {
  const shared = await Promise.all(['assets/site.css', 'assets/page.js'].map(htmlOf))
  const sizes = await Promise.all(
    site.pages.map(async ({ address }) => {
      const html = await htmlOf(address)
      const pictures = [...html.matchAll(/<img [^>]*src="([^"]+)"/g)].map(([, src]) =>
        stat(join(out, dirname(address), src as string)),
      )
      const texts = [html, ...shared].reduce((sum, text) => sum + Buffer.byteLength(text), 0)
      return { address, bytes: (await Promise.all(pictures)).reduce((sum, { size }) => sum + size, texts) }
    }),
  )
  expect(sizes.filter(({ bytes }) => bytes > MOST_BYTES)).toEqual([])
  expect(gzipSync(await htmlOf('assets/search.json')).length).toBeLessThan(MOST_BYTES)
})

test('each name of each door is in the reference, with a sentence and its members', async () => {
  const doors = readDoors(root)
  expect(doors.map(({ name }) => name)).toContain('testing')
  for (const { name, entries } of doors) {
    const pages = await Promise.all(
      site.pages
        .filter(({ source }) =>
          [`docs/reference/${name}.md`, `docs/reference/${name}-types.md`].includes(source),
        )
        .map(({ address }) => htmlOf(address)),
    )
    const missing = entries.filter(
      (entry) => !pages.some((html) => html.includes(`id="${entry.name.toLowerCase()}"`)),
    )
    expect(missing.map((entry) => entry.name)).toEqual([])
    expect(entries.filter(({ comment }) => !/\w{2}/.test(comment)).map((entry) => entry.name)).toEqual([])
  }
  const client = doors.find(({ name }) => name === 'client')
  const members = client?.entries.find(({ name }) => name === 'RecordClient')?.members.map(({ name }) => name)
  // Its own and those that it inherits from what no door exports.
  expect(members).toEqual(expect.arrayContaining(['editor', 'save', 'liveList', 'saveMany']))
})

test('each member of each exported type has a sentence', () => {
  const doors = readDoors(root)
  const members = doors.flatMap((door) =>
    door.entries.flatMap((entry) => entry.members.map((member) => ({ door, entry, member }))),
  )
  expect(members.length).toBeGreaterThan(1_000)
  const bare = members.filter(({ member }) => !/\w{2}/.test(member.comment))
  expect([
    ...new Set(bare.map(({ door, entry, member }) => `${door.name}: ${entry.name}.${member.name}`)),
  ]).toEqual([])
})

test('what a type extends is there as far as it is taken, and once', () => {
  const doors = readDoors(root)
  const membersOf = (door: string, name: string) =>
    doors
      .find((one) => one.name === door)
      ?.entries.find((entry) => entry.name === name)
      ?.members.map((member) => member.name) ?? []
  expect(membersOf('client', 'CountingClient')).not.toContain('save')
  expect(membersOf('react', 'ListCellEditor')).not.toContain('subscribe')
  expect(membersOf('server', 'RecordServer')).toEqual(expect.arrayContaining(['save', 'router']))
  const doubled = doors.flatMap(({ name: door, entries }) =>
    entries.flatMap(({ name }) => {
      const members = membersOf(door, name)
      return members.length === new Set(members).size ? [] : `${door}: ${name}`
    }),
  )
  expect(doubled).toEqual([])
})

test('a limit is there with its default', async () => {
  const html = await htmlOf('reference/server-types.html')
  for (const [name, value] of Object.entries(DEFAULT_LIMITS)) {
    const [, row = ''] = html.split(`<td><code>${name}</code></td>`)
    expect(row.slice(0, 120), name).toContain(`<code>${value}</code>`)
  }
})

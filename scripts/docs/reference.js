// The pages of the API: for each door its values and types, by the sentences and types that stand in the sources.
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { readDoors } from './doors.js'

const WHAT = {
  server: 'Node: the server, its types and operations.',
  client: 'The browser and other programs: editors, lists, events, without a framework.',
  react: 'Hooks and components.',
  dom: 'Forms and elements of pages without React.',
  'react-hook-form': 'Forms of react-hook-form over an editor.',
  'tanstack-query': 'Queries of TanStack Query over a client.',
  history: 'What a record was: its versions as a page of parts.',
  mcp: 'Tools for agents, by the Model Context Protocol.',
  offline: 'Drafts that outlive the page, and saves that wait for the server.',
  testing: 'A server, people and lines for the tests of an app, and kits for adapters.',
  devtools: 'A panel that shows what a client does.',
  migrations: 'The change log and the tracking of tables.',
}

const isValue = ({ kind }) => kind === 'const' || kind === 'function' || kind === 'class'

/** `{@link x}` as code, tags as paragraphs. */
const prose = (comment) =>
  comment
    .replace(/\{@link ([^}|]+?)\}/g, '`$1`')
    .replace(
      /^@example\n?([\s\S]*?)(?=\n@|$(?![\s\S]))/gm,
      (_, code) => `\n\`\`\`ts\n${code.trim()}\n\`\`\`\n`,
    )
    .replace(/^@throws (?:Error )?/gm, '\n**Throws** ')
    .replace(/^@\w+ ?/gm, '')

const inCell = (text) => text.replace(/\s*\n\s*/g, ' ').replaceAll('|', '\\|')
const code = (text) => `\`${inCell(text)}\``

const signature = ({ code: text }) =>
  text
    .replace(/\/\*\*[\s\S]*?\*\/\s*/g, '')
    .replace(/^export (declare )?/, '')
    .replace(/^ {4}/gm, '  ')

/** The type of a member, and whether it may be absent. */
const typeOf = ({ text, name }) =>
  text
    .replace(/^readonly /, '')
    .slice(name.length)
    .replace(/^\??:\s*/, '')

const defaultsOf = async (root) => {
  const server = await import(pathToFileURL(join(root, 'dist/server/index.js')).href)
  return { Limits: server.DEFAULT_LIMITS, Shortcuts: server.DEFAULT_SHORTCUTS }
}

const membersTable = ({ name, members }, defaults) => {
  const known = defaults[name]
  const head = known
    ? '| | type | default | |\n| --- | --- | --- | --- |'
    : '| | type | |\n| --- | --- | --- |'
  const rows = members.map((member) => {
    const optional = member.text.slice(member.name.length).startsWith('?') ? '?' : ''
    const cells = [
      code(member.name + optional),
      code(typeOf(member)),
      ...(known ? [code(String(known[member.name]))] : []),
      inCell(prose(member.comment)),
    ]
    return `| ${cells.join(' | ')} |`
  })
  return `${head}\n${rows.join('\n')}`
}

const entryOf = (entry, defaults) => {
  const isLarge = entry.kind === 'interface' && entry.members.length > 0
  const head = /^[^{]*/.exec(signature(entry))[0].trim()
  const shown = isLarge
    ? `\`\`\`ts\n${head}\n\`\`\`\n\n${membersTable(entry, defaults)}`
    : `\`\`\`ts\n${signature(entry).trim()}\n\`\`\``
  return `### ${entry.name}\n\n${prose(entry.comment)}\n\n${shown}\n`
}

const byName = (a, b) => (a.name.toLowerCase() < b.name.toLowerCase() ? -1 : 1)

/** With more of them its types have a page of their own: one of everything would be long to load and to look through. */
const MOST_TYPES = 30

const anchorOf = ({ name }) => name.toLowerCase()
const linkTo = (page) => (entry) => `[\`${entry.name}\`](${page}.md#${anchorOf(entry)})`

/** The pages of a door by their name: its values and its types, together or apart. */
const pagesOf = ({ name, entries }, defaults) => {
  const about = `${WHAT[name] ?? ''}\n\n\`\`\`ts\nimport { … } from 'noclobber/${name}'\n\`\`\``
  const all = (title, list) =>
    list.length > 0 ? [`## ${title}`, ...list.map((entry) => entryOf(entry, defaults))] : []
  const values = entries.filter(isValue).toSorted(byName)
  const types = entries.filter((entry) => !isValue(entry)).toSorted(byName)
  const title = `# noclobber/${name}`
  if (types.length <= MOST_TYPES)
    return { [name]: [title, about, ...all('Values', values), ...all('Types', types)] }
  const apart = `${name}-types`
  const links = types.map(linkTo(apart)).join(' · ')
  return {
    [name]: [title, about, ...all('Values', values), '## Types', links],
    [apart]: [
      `${title}: types`,
      `Its values: [noclobber/${name}](${name}.md).`,
      ...types.map((entry) => entryOf(entry, defaults).replace(/^### /, '## ')),
    ],
  }
}

/** Pages by their path: `reference.md`, and one or two for each door. */
export const referencePages = async (root) => {
  const doors = readDoors(root)
  const defaults = await defaultsOf(root)
  const pages = doors.flatMap((door) =>
    Object.entries(pagesOf(door, defaults)).map(([name, parts]) => [
      `reference/${name}.md`,
      parts.join('\n\n'),
    ]),
  )
  const lines = doors.map(({ name, entries }) => {
    const values = entries.filter(isValue).map(linkTo(`reference/${name}`))
    return `## [noclobber/${name}](reference/${name}.md)\n\n${WHAT[name] ?? ''} ${values.join(' · ')}`
  })
  return new Map([
    [
      'reference.md',
      `# API\n\nEach value, type and option of each door, from the sources.\n\n${lines.join('\n\n')}\n`,
    ],
    ...pages,
  ])
}

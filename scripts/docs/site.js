// The site: the Markdown of the repository and the API's reference as pages with navigation and search. `buildSite` writes it, and gives
// what it found: pages, and links that lead nowhere.

import { existsSync, statSync } from 'node:fs'
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import MarkdownIt from 'markdown-it'
import MiniSearch from 'minisearch'
import { highlight } from './highlight.js'
import { layout } from './layout.js'
import { referencePages } from './reference.js'
import { SEARCHED } from './search.js'

const here = fileURLToPath(new URL('.', import.meta.url))

const DECISIONS = 'docs/decisions'
const INDEX = `${DECISIONS}/README.md`

/** As GitHub names a heading. */
const anchorOf = (text) =>
  text
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-')

/** `docs/embedding.md` → `embedding.html`; the first page is `index.html`. */
const addressOf = (source) =>
  source
    .replace(/^docs\//, '')
    .replace(/\/README\.md$/, '/index.md')
    .toLowerCase()
    .replace(/\.md$/, '.html')

const createMarkdown = (page, site) => {
  const markdown = new MarkdownIt({ html: true, highlight })
  const { renderer } = markdown
  const titleOf = (tokens, at) =>
    tokens[at + 1].children
      .filter(({ type }) => type === 'text' || type === 'code_inline')
      .map(({ content }) => content)
      .join('')
  renderer.rules.heading_open = (tokens, at) => {
    const title = titleOf(tokens, at)
    const base = anchorOf(title)
    const count = page.anchors.filter((anchor) => anchor.replace(/-\d+$/, '') === base).length
    const anchor = count === 0 || !page.anchors.includes(base) ? base : `${base}-${count}`
    page.anchors.push(anchor)
    const level = Number(tokens[at].tag.slice(1))
    page.headings.push({ level, title, anchor })
    return `<${tokens[at].tag} id="${anchor}">`
  }
  renderer.rules.heading_close = (tokens, at) => {
    const { anchor, level } = page.headings.at(-1)
    return `${level > 1 ? ` <a class="anchor" href="#${anchor}" aria-label="Link to this section">#</a>` : ''}</${tokens[at].tag}>\n`
  }
  renderer.rules.table_open = () =>
    '<div class="table" tabindex="0" role="region" aria-label="Table"><table>\n'
  renderer.rules.table_close = () => '</table></div>\n'
  renderer.rules.th_open = (tokens, at) => (tokens[at + 1].content === '' ? '<td>' : '<th scope="col">')
  renderer.rules.th_close = (tokens, at) => (tokens[at - 1].content === '' ? '</td>' : '</th>')
  renderer.rules.link_open = (tokens, at, options, _env, self) => {
    const href = tokens[at].attrGet('href') ?? ''
    tokens[at].attrSet('href', site.linkTo(page, href))
    return self.renderToken(tokens, at, options)
  }
  renderer.rules.image = (tokens, at, options, env, self) => {
    tokens[at].attrSet('src', site.linkTo(page, tokens[at].attrGet('src')))
    tokens[at].attrSet('alt', self.renderInlineAsText(tokens[at].children, options, env))
    tokens[at].attrSet('loading', 'lazy')
    return self.renderToken(tokens, at, options)
  }
  return markdown
}

const textBetween = (html) =>
  html
    .replace(/<pre[\s\S]*?<\/pre>/g, ' ')
    .replace(/<[^>]+>/g, ' ')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&amp;', '&')
    .replace(/\s+/g, ' ')

/** Parts of a page by their headings, for the search. */
const sectionsOf = ({ address, html, title }) =>
  html.split(/(?=<h[123] id=")/).flatMap((part) => {
    const [, level, anchor, heading] =
      /^<h([123]) id="([^"]*)">([\s\S]*?)(?: <a class="anchor"|<\/h)/.exec(part) ?? []
    if (level === undefined) return []
    const name = textBetween(heading).trim()
    return [
      {
        id: `${address}${level === '1' ? '' : `#${anchor}`}`,
        title: name,
        page: title,
        text: textBetween(part).slice(name.length, 1500),
      },
    ]
  })

/** All pages by their source: files of the repository, and those that are made here. */
const readPages = async (root, nav) => {
  const pages = new Map()
  const add = (source, text) =>
    pages.set(source, { source, address: addressOf(source), text, headings: [], anchors: [], links: [] })
  for (const [, list] of nav)
    for (const [source] of list)
      if (source.endsWith('.md')) add(source, await readFile(join(root, source), 'utf8'))
  for (const name of await readdir(join(root, DECISIONS)))
    add(`${DECISIONS}/${name}`, await readFile(join(root, DECISIONS, name), 'utf8'))
  const example = 'docs/examples/minimal/README.md'
  add(example, await readFile(join(root, example), 'utf8'))
  for (const [path, text] of await referencePages(root)) add(`docs/${path}`, text)
  return pages
}

const relative = (from, to) => {
  const path = posix.relative(posix.dirname(from), to)
  return path === '' ? posix.basename(to) : path
}

/**
 * @param root The repository, built.
 * @param out The folder that the site is written to; what was there goes.
 */
export const buildSite = async (root, out) => {
  const nav = JSON.parse(await readFile(join(here, 'pages.json'), 'utf8'))
  const { repository, version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  const pages = await readPages(root, nav)
  const files = new Set()
  const broken = []
  const site = {
    linkTo: (page, href) => {
      if (/^[a-z]+:/.test(href)) return href
      const [path, anchor] = href.split('#')
      let source = path === '' ? page.source : posix.join(posix.dirname(page.source), path)
      if (source === DECISIONS) source = INDEX
      const found = pages.get(source)
      if (found) {
        page.links.push({ href, found, anchor })
        return relative(page.address, found.address) + (anchor === undefined ? '' : `#${anchor}`)
      }
      const isFile = existsSync(join(root, source)) && statSync(join(root, source)).isFile()
      if (isFile) {
        const kept = source.replace(/^docs\//, '')
        files.add([source, kept])
        return relative(page.address, kept)
      }
      broken.push(`${page.source}: ${href}`)
      return href
    },
  }
  for (const page of pages.values()) {
    page.html = createMarkdown(page, site).render(page.text)
    page.title = page.headings.find(({ level }) => level === 1)?.title ?? page.source
  }
  for (const { source, links } of pages.values())
    for (const { href, found, anchor } of links)
      if (anchor !== undefined && !found.anchors.includes(anchor)) broken.push(`${source}: ${href}`)
  const sourceOf = (source) => (source.endsWith('.md') ? source : `docs/${source}.md`)
  const menu = nav.map(([title, list]) => [
    title,
    list.map(([source, name]) => [pages.get(sourceOf(source)).address, name]),
  ])

  await rm(out, { recursive: true, force: true })
  const write = async (path, content) => {
    await mkdir(dirname(join(out, path)), { recursive: true })
    await writeFile(join(out, path), content)
  }
  for (const page of pages.values())
    await write(page.address, layout({ page, menu, relative, version, repository }))
  const index = new MiniSearch(SEARCHED)
  index.addAll(
    [...pages.values()].flatMap((page) => (page.source.startsWith(`${DECISIONS}/`) ? [] : sectionsOf(page))),
  )
  await write('assets/search.json', JSON.stringify(index))
  await copyFile(join(here, 'site.css'), join(out, 'assets/site.css'))
  for (const name of ['page.js', 'search.js']) await copyFile(join(here, name), join(out, 'assets', name))
  await copyFile(fileURLToPath(import.meta.resolve('minisearch')), join(out, 'assets/minisearch.js'))
  for (const [source, kept] of files) {
    await mkdir(dirname(join(out, kept)), { recursive: true })
    await copyFile(join(root, source), join(out, kept))
  }
  return { pages: [...pages.values()], broken }
}

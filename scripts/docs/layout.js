// One page of the site: header, navigation, text, and what is on the page.

const escapeHtml = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')

const menuOf = (menu, page, relative) =>
  menu
    .map(
      ([title, list]) =>
        `<section><p class="title">${escapeHtml(title)}</p><ul>${list
          .map(([address, name]) => {
            const isCurrent =
              address === page.address ||
              (address === 'reference.html' && page.address.startsWith('reference/')) ||
              (address === 'decisions/index.html' && page.address.startsWith('decisions/'))
            return `<li><a class="to" href="${relative(page.address, address)}"${isCurrent ? ' aria-current="page"' : ''}>${escapeHtml(name)}</a></li>`
          })
          .join('')}</ul></section>`,
    )
    .join('')

const outlineOf = ({ headings, address }) => {
  const most = address.startsWith('reference/') ? 3 : 2
  const list = headings.filter(({ level }) => level > 1 && level <= most)
  if (list.length < 2) return ''
  const items = list.map(
    ({ title, anchor, level }) =>
      `<li><a class="to l${level}" href="#${anchor}">${escapeHtml(title)}</a></li>`,
  )
  return `<nav class="outline" aria-label="On this page"><p class="title">On this page</p><ul>${items.join('')}</ul></nav>`
}

/** The pages before and behind this one in the menu; of pages that aren't in it, the one that lists them. */
const turnOf = (menu, { address }, to) => {
  const all = menu.flatMap(([, list]) => list)
  const at = all.findIndex(([other]) => other === address)
  const folder = address.split('/')[0]
  const up = all.find(([other]) => other === `${folder}.html` || other === `${folder}/index.html`)
  const [before, behind] = at === -1 ? [up] : [all[at - 1], all[at + 1]]
  const link = (found, rel, arrows) =>
    found
      ? `<a rel="${rel}" href="${to(found[0])}">${arrows[0]}${escapeHtml(found[1])}${arrows[1]}</a>`
      : '<span></span>'
  return `<nav class="turn" aria-label="Other pages">${link(before, 'prev', ['← ', ''])}${link(behind, 'next', ['', ' →'])}</nav>`
}

export const layout = ({ page, menu, relative, version }) => {
  const to = (address) => relative(page.address, address)
  const up = relative(page.address, 'index.html').replace(/index\.html$/, '')
  return `<!doctype html>
<html lang="en" data-up="${up}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(page.title === 'noclobber' ? 'noclobber' : `${page.title} · noclobber`)}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${to('assets/site.css')}">
<script>try { const t = localStorage.getItem('theme'); if (t) document.documentElement.dataset.theme = t } catch {}</script>
<script type="module" src="${to('assets/page.js')}"></script>
</head>
<body>
<a class="skip" href="#content">Skip to the text</a>
<header class="top">
<button type="button" class="menu" aria-expanded="false" aria-controls="menu">Menu</button>
<a class="name" href="${to('index.html')}">noclobber</a><span class="version">${escapeHtml(version)}</span>
<div class="search" role="search"><input type="search" placeholder="Search" title="Press / to search" aria-label="Search" aria-keyshortcuts="/" autocomplete="off" role="combobox" aria-expanded="false" aria-controls="results" aria-autocomplete="list"><ul id="results" role="listbox" aria-label="Results" hidden></ul></div>
<button type="button" class="theme" aria-label="Light or dark">◐</button>
</header>
<div class="columns">
<nav id="menu" class="side" aria-label="Pages">${menuOf(menu, page, relative)}</nav>
<main id="content">${page.html}${turnOf(menu, page, to)}</main>
${outlineOf(page)}
</div>
</body>
</html>
`
}

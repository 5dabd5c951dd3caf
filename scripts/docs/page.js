// What a page of the site does: the menu on a phone, light and dark, and the search, whose index is loaded when it is first used.
const root = document.documentElement
const up = root.dataset.up ?? ''

const menu = document.querySelector('button.menu')
menu?.addEventListener('click', () => {
  const isOpen = root.classList.toggle('menu-open')
  menu.setAttribute('aria-expanded', String(isOpen))
})

document.querySelector('button.theme')?.addEventListener('click', () => {
  const isDark =
    (root.dataset.theme ?? (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light')) === 'dark'
  root.dataset.theme = isDark ? 'light' : 'dark'
  try {
    localStorage.setItem('theme', root.dataset.theme)
  } catch {
    // The choice lasts as long as the page.
  }
})

const input = document.querySelector('.search input')
const results = document.querySelector('#results')
let index = null
let chosen = -1

const load = async () => {
  const [{ default: MiniSearch }, answer] = await Promise.all([
    import(new URL('minisearch.js', import.meta.url).href),
    fetch(`${up}assets/search.json`),
  ])
  const options = { fields: ['title', 'page', 'text'], storeFields: ['title', 'page'] }
  return MiniSearch.loadJSON(await answer.text(), options)
}

const hide = () => {
  results.hidden = true
  chosen = -1
  input.setAttribute('aria-expanded', 'false')
  input.removeAttribute('aria-activedescendant')
}

const show = (found) => {
  results.replaceChildren(
    ...found.map(({ id, title, page }, at) => {
      const item = document.createElement('li')
      item.role = 'option'
      item.id = `result-${at}`
      const link = document.createElement('a')
      link.href = up + id
      link.tabIndex = -1
      link.textContent = title
      const where = document.createElement('span')
      where.textContent = page === title ? '' : page
      link.append(where)
      item.append(link)
      return item
    }),
  )
  if (found.length === 0) results.textContent = 'Nothing found.'
  results.hidden = false
  input.setAttribute('aria-expanded', 'true')
}

const choose = (step) => {
  const items = [...results.querySelectorAll('[role=option]')]
  if (items.length === 0) return
  chosen = (chosen + step + items.length) % items.length
  for (const [at, item] of items.entries()) item.setAttribute('aria-selected', String(at === chosen))
  items[chosen].scrollIntoView({ block: 'nearest' })
  input.setAttribute('aria-activedescendant', items[chosen].id)
}

input?.addEventListener('input', async () => {
  const text = input.value.trim()
  if (text === '') return hide()
  index ??= load()
  const searched = (await index).search(text, {
    prefix: true,
    fuzzy: 0.15,
    boost: { title: 4, page: 2 },
    combineWith: 'AND',
  })
  if (text === input.value.trim()) show(searched.slice(0, 12))
})
input?.addEventListener('keydown', (event) => {
  if (event.key === 'ArrowDown') choose(1)
  else if (event.key === 'ArrowUp') choose(-1)
  else if (event.key === 'Enter') results.querySelectorAll('a')[Math.max(0, chosen)]?.click()
  else if (event.key === 'Escape') hide()
  else return
  event.preventDefault()
})
document.addEventListener('keydown', (event) => {
  if (event.key !== '/' || /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement?.tagName ?? '')) return
  event.preventDefault()
  input?.focus()
})
document.addEventListener('click', (event) => {
  if (!event.target.closest('.search')) hide()
})
results?.addEventListener('click', hide)

// What is cut off at the side can be scrolled with the keyboard too.
const widths = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    if (target.scrollWidth > target.clientWidth) target.tabIndex = 0
    else target.removeAttribute('tabindex')
  }
})
for (const box of document.querySelectorAll('main pre, main .table')) widths.observe(box)

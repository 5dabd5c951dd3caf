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
  const [{ default: MiniSearch }, { find, SEARCHED }, answer] = await Promise.all([
    import(new URL('minisearch.js', import.meta.url).href),
    import(new URL('search.js', import.meta.url).href),
    fetch(`${up}assets/search.json`),
  ])
  const loaded = MiniSearch.loadJSON(await answer.text(), SEARCHED)
  return (question) => find(loaded, question)
}

const hide = () => {
  results.hidden = true
  chosen = -1
  input.setAttribute('aria-expanded', 'false')
  input.removeAttribute('aria-activedescendant')
}

/** Where to go on from a question without an answer. `null`: the index could not be loaded. */
const showNone = (found) => {
  results.role = 'status'
  const item = document.createElement('div')
  item.className = 'none'
  item.append(found === null ? 'The search could not be loaded. Look in:' : 'Nothing found. Look in:')
  for (const [address, title] of [
    ['troubleshooting.html', 'Troubleshooting'],
    ['questions.html', 'Questions'],
    ['reference.html', 'API'],
  ]) {
    const link = document.createElement('a')
    link.href = up + address
    link.textContent = title
    item.append(link)
  }
  results.replaceChildren(item)
}

const show = (found) => {
  results.hidden = false
  input.setAttribute('aria-expanded', 'true')
  if (!found?.length) return showNone(found)
  results.role = 'listbox'
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
  const searched = await index
    .then((search) => search(text).slice(0, 12))
    .catch(() => {
      index = null
      return null
    })
  if (text === input.value.trim()) show(searched)
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

// The panel: four pages over one journal, drawn into a shadow root. It draws anew twice a second while it is shown.

import type { Inspected } from './inspected.ts'
import type { Entry } from './journal.ts'
import type { Refused } from './line.ts'
import { PANEL_STYLE, sheetOf } from './style.ts'
import { entryRow, type Row, recordRow } from './views.ts'

const EVERY_MS = 500
const SLOW_MS = 2_000
const MOST_ROWS = 100

const PAGES = ['Records', 'Steps', 'Events', 'Requests'] as const
type PageName = (typeof PAGES)[number]

const KINDS: Record<Exclude<PageName, 'Records'>, Entry['kind']> = {
  Steps: 'step',
  Events: 'event',
  Requests: 'request',
}

const make = (name: string, className: string, text = ''): HTMLElement => {
  const element = document.createElement(name)
  element.className = className
  element.textContent = text
  return element
}

const button = (text: string, act: () => void): HTMLButtonElement => {
  const element = document.createElement('button')
  element.type = 'button'
  element.textContent = text
  element.addEventListener('click', act)
  return element
}

const REFUSED: Record<Refused, string> = {
  nothing: 'Every transport',
  sockets: 'No WebSocket',
  events: 'Polling alone',
}

/** Which transports get through. */
function transportChooser(choose: (refuses: Refused) => void): HTMLSelectElement {
  const select = document.createElement('select')
  select.setAttribute('aria-label', 'Transports')
  for (const [refuses, text] of Object.entries(REFUSED)) select.append(new Option(text, refuses))
  select.addEventListener('change', () => choose(select.value as Refused))
  return select
}

const timeText = (at: number) => new Date(at).toTimeString().slice(0, 8)

function drawRow(row: Row, onForce: (record: { type: string; id: string }) => void): HTMLElement {
  const item = make('li', '')
  const head = make('div', 'head')
  head.append(make('b', row.isBad ? 'bad' : '', row.head), make('span', 'soft', row.detail))
  if (row.at !== null) head.append(make('span', 'time', timeText(row.at)))
  item.append(head)
  if (row.pairs) {
    const list = make('dl', '')
    for (const [name, value] of row.pairs) list.append(make('dt', '', name), make('dd', '', value))
    item.append(list)
  }
  const { record } = row
  if (record) item.append(button('Force a conflict', () => onForce(record)))
  return item
}

/** Draws it into the element; gives what takes it away. */
export function createPanel(into: HTMLElement, inspected: Inspected): () => void {
  const { journal, line, client } = inspected
  const host = document.createElement('div')
  host.style.height = '100%'
  const root = host.attachShadow({ mode: 'open' })
  root.adoptedStyleSheets = [sheetOf(PANEL_STYLE)]
  const panel = make('section', 'panel')
  panel.setAttribute('aria-label', 'What noclobber does')
  const tabs = make('div', 'bar')
  tabs.setAttribute('role', 'tablist')
  const switches = make('div', 'bar')
  const state = make('span', 'state')
  const body = make('div', 'body')
  body.tabIndex = 0
  body.setAttribute('role', 'tabpanel')
  const filter = document.createElement('input')
  filter.type = 'search'
  filter.placeholder = 'Filter'
  filter.setAttribute('aria-label', 'Filter')
  let page: PageName = 'Records'
  let drawn = ''
  let said = ''

  const pages = PAGES.map((name) => {
    const tab = button(name, () => {
      page = name
      draw()
    })
    tab.setAttribute('role', 'tab')
    return tab
  })
  const cut = button('Cut', () => {
    inspected.switchLine({ isCut: !line.isCut })
    draw()
  })
  const signOut = button('Sign out', () => {
    inspected.switchLine({ isSignedOut: !line.isSignedOut })
    draw()
  })
  const transports = transportChooser((refuses) => {
    inspected.switchLine({ refuses })
    draw()
  })
  const slow = button('Slow', () => {
    line.delayMs = line.delayMs === 0 ? SLOW_MS : 0
    draw()
  })
  const drop = button('Drop an answer', () => {
    line.answersToDrop += 1
    draw()
  })
  const pause = button('Pause', () => {
    journal.pause(!journal.isPaused())
    draw()
  })
  const save = button('Export', () => {
    const link = document.createElement('a')
    link.href = URL.createObjectURL(new Blob([journal.text()], { type: 'application/json' }))
    link.download = 'noclobber.json'
    link.click()
    URL.revokeObjectURL(link.href)
  })
  const clear = button('Clear', () => {
    journal.clear()
    draw()
  })
  filter.addEventListener('input', draw)
  tabs.append(...pages, state)
  switches.append(cut, slow, drop, signOut, transports, filter, pause, save, clear)
  panel.append(tabs, switches, body)
  root.append(panel)
  into.append(host)

  const rowsNow = (): Row[] => {
    const text = filter.value.trim()
    if (page !== 'Records') {
      const kind = KINDS[page]
      return journal
        .entries(text)
        .filter((entry) => entry.kind === kind)
        .map(entryRow)
    }
    const rows = journal.records().map(recordRow)
    return text === ''
      ? rows
      : rows.filter((row) => JSON.stringify(row).toLowerCase().includes(text.toLowerCase()))
  }

  function draw() {
    const rows = rowsNow().slice(0, MOST_ROWS)
    const { status, transport } = client.connection.get()
    const now = JSON.stringify([rows, page, said, line, journal.isPaused(), status, transport])
    if (now === drawn) return
    drawn = now
    for (const [at, tab] of pages.entries()) tab.setAttribute('aria-selected', String(PAGES[at] === page))
    cut.setAttribute('aria-pressed', String(line.isCut))
    signOut.setAttribute('aria-pressed', String(line.isSignedOut))
    transports.value = line.refuses
    slow.setAttribute('aria-pressed', String(line.delayMs > 0))
    drop.textContent = line.answersToDrop > 0 ? `Drop ${line.answersToDrop}` : 'Drop an answer'
    pause.setAttribute('aria-pressed', String(journal.isPaused()))
    state.textContent = `${status}${transport ? `, ${transport}` : ''}`
    const list = make('ul', '')
    const force = async ({ type, id }: { type: string; id: string }) => {
      said = await inspected.forceConflict(type, id)
      draw()
    }
    for (const row of rows) list.append(drawRow(row, force))
    const note = make('p', 'soft', said || (rows.length === 0 ? 'Nothing yet.' : ''))
    note.setAttribute('role', 'status')
    body.replaceChildren(...(note.textContent === '' ? [list] : [note, list]))
  }

  draw()
  const timer = setInterval(draw, EVERY_MS)
  return () => {
    clearInterval(timer)
    host.remove()
  }
}

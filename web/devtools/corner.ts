// The button in the corner of the page that opens the panel, apart from the page's styles.
import { CORNER_STYLE, sheetOf } from './style.ts'

export function showInCorner(mount: (into: HTMLElement) => () => void, isOpen: boolean): void {
  const host = document.createElement('div')
  const root = host.attachShadow({ mode: 'open' })
  root.adoptedStyleSheets = [sheetOf(CORNER_STYLE)]
  const button = document.createElement('button')
  button.textContent = 'noclobber'
  const place = document.createElement('div')
  root.append(place, button)
  let remove: (() => void) | null = null
  const show = (next: boolean) => {
    remove?.()
    remove = next ? mount(place) : null
    button.setAttribute('aria-expanded', String(next))
  }
  button.addEventListener('click', () => show(remove === null))
  show(isOpen)
  document.body.append(host)
}

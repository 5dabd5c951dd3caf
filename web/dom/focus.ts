// Where the keyboard is. Invariants: the focus isn't lost with the button that had it, and no field takes it from another in
// which somebody types.

import type { Stop } from '../client/base/clock.ts'

/** What has the focus there, also in a shadow tree and in another window. */
export const activeAt = (place: Node): Element | null =>
  (place.getRootNode() as Partial<DocumentOrShadowRoot>).activeElement ?? null

/** Documents beside the page's own in which somebody was in a form of ours: those of its windows and frames. */
const others = new Set<Document>()
const turns = new Set<(page: Document, isOn: boolean) => void>()

/** Somebody is in this place of a form: also in another document than the page's. */
export function enter(place: unknown): void {
  const page = (place as Partial<Node> | null)?.ownerDocument
  if (!page || page === document || others.has(page)) return
  others.add(page)
  for (const turn of turns) turn(page, true)
}

/** Listens in the page's document, and in each that somebody comes to. */
export function listenOnPages(name: string, listener: (event: Event) => void, isCapture = false): Stop {
  const turn = (page: Document, isOn: boolean) =>
    page[isOn ? 'addEventListener' : 'removeEventListener'](name, listener, isCapture)
  const all = (isOn: boolean) => {
    for (const page of [document, ...others]) turn(page, isOn)
  }
  all(true)
  turns.add(turn)
  return () => {
    turns.delete(turn)
    all(false)
  }
}

/** The page's document, those of its frames, and those that somebody came to; without windows that are closed. */
export function openPages(): Set<Document> {
  const frames = Array.from({ length: window.length }, (_, at) => {
    try {
      return window[at]?.document
    } catch {
      return null // Of another origin.
    }
  })
  return new Set([...others, ...frames, document].filter((page) => page?.defaultView)) as Set<Document>
}

/** What has the focus of the page, in whatever shadow tree, window or frame. */
export function deepActive(): Element | null {
  const isHere = (page: Document) =>
    page.defaultView !== null && page.hasFocus() && !isNowhere(page.activeElement)
  let { activeElement: active } = [...others].find(isHere) ?? document
  while (active?.shadowRoot?.activeElement) active = active.shadowRoot.activeElement
  return active
}

/** The name of the field that the cursor is in. */
export const nameInFocus = (): string | null => (deepActive() as { name?: string } | null)?.name ?? null

/** Whether an input method is in the middle of a word on this page. */
export function watchComposition(): { isComposing(): boolean; stop: Stop } {
  let at: Node | null = null
  const begin = ({ target }: Event) => {
    at = target as Node
  }
  const end = () => {
    at = null
  }
  const stops = [listenOnPages('compositionstart', begin, true), listenOnPages('compositionend', end, true)]
  return {
    isComposing: () => at?.isConnected === true,
    stop() {
      for (const stop of stops) stop()
    },
  }
}

const isNowhere = (active: Element | null): active is null =>
  active === null || active === active.ownerDocument.body

/** What a form itself has. One of its inputs may be called so (`elements`, `matches`), and would be found in its place. */
export const ofForm = <K extends keyof HTMLFormElement>(form: HTMLFormElement, key: K): HTMLFormElement[K] =>
  Reflect.get(HTMLFormElement.prototype, key, form)

/** The cursor is in the form that the place is in, or in none. */
export function isOfForm(place: Element): boolean {
  const form = place.closest('form')
  const active = activeAt(place)
  return !form || isNowhere(active) || ofForm(form, 'contains').call(form, active)
}

/**
 * Watches what is in a place, and what of it is disabled, by its own window's observer. A window that has none, as in a test, is
 * watched by nothing.
 */
export function watchTree(place: Element, onChange: MutationCallback): Stop {
  const Observer = place.ownerDocument.defaultView?.MutationObserver
  const observer = Observer && new Observer(onChange)
  observer?.observe(place, { childList: true, subtree: true, attributeFilter: ['disabled'] })
  return () => observer?.disconnect()
}

/** The button that had the focus goes away, or can't have it any more: `onLost` gives it another place. Default: `place`. */
export function holdFocus(
  place: HTMLElement,
  onLost: (last: Element) => void = () => place.focus({ preventScroll: true }),
): Stop {
  let last: Element | null = null
  let stopWatching: Stop | null = null
  const look = () => {
    if (!last || !isNowhere(activeAt(place)) || (last.isConnected && !last.matches(':disabled'))) return
    const lost = last
    last = null
    onLost(lost)
  }
  const enter = ({ target }: Event) => {
    last = target === place ? null : (target as Element)
    stopWatching ??= watchTree(place, look)
  }
  const leave = ({ relatedTarget }: FocusEvent) => {
    if (relatedTarget && !place.contains(relatedTarget as Node)) last = null
  }
  place.addEventListener('focusin', enter)
  place.addEventListener('focusout', leave)
  return () => {
    stopWatching?.()
    place.removeEventListener('focusin', enter)
    place.removeEventListener('focusout', leave)
  }
}

/** The form that an element belongs to, by its place or its `form` attribute; `null`: none. */
export function formOf(element: unknown): HTMLFormElement | null {
  const one = element as Partial<HTMLInputElement> | null | undefined
  // A form's own `form` may be one of its inputs, and so may whatever else is asked of it.
  if (one?.nodeName === 'FORM') return one as HTMLFormElement
  return one?.form ?? one?.closest?.('form') ?? null
}

/** What is read of a keyboard event, the browser's or React's. */
export interface KeyPressed {
  key: string
  code?: string
  ctrlKey?: boolean
  metaKey?: boolean
  altKey?: boolean
}

/** Ctrl+S and Ctrl+Enter, of any keyboard: on one without Latin letters it is the key that S is on. AltGr is Ctrl and Alt. */
export const isSaveKey = ({ key, code, ctrlKey, metaKey, altKey }: KeyPressed): boolean =>
  (ctrlKey === true || metaKey === true) &&
  altKey !== true &&
  (key === 'Enter' || key.toLowerCase() === 's' || (code === 'KeyS' && key > '\u024f'))

/** The first refused value whose element can have the focus gets it; what is folded away is opened for it. */
export function focusRefused(form: HTMLElement): void {
  const root = form.getRootNode() as ParentNode
  for (const element of root.querySelectorAll<HTMLElement>('[aria-invalid="true"]')) {
    if (formOf(element) !== form) continue
    for (let at: Element | null = element; at; at = at.parentElement)
      if (at.nodeName === 'DETAILS') (at as HTMLDetailsElement).open = true
    element.focus()
    if (element.contains(activeAt(form))) return
  }
}

/** Whether somebody has gone on typing since, asked once. What was switched off meanwhile has the cursor again. */
export function watchTyping(form: HTMLElement): () => boolean {
  const root = form.getRootNode()
  const before = activeAt(form) as HTMLElement | null
  let isTyping = false
  let isOff = false
  const note = () => {
    isTyping = true
  }
  root.addEventListener('input', note, true)
  setTimeout(() => {
    isOff = before?.matches(':disabled') === true
  })
  return () => {
    root.removeEventListener('input', note, true)
    if (isOff && isNowhere(activeAt(form))) before?.focus()
    const now = activeAt(form)
    return isTyping || (now !== before && now?.matches('input, textarea, select, [contenteditable]') === true)
  }
}

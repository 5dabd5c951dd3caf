// The line about other people's changes as DOM: it shows the result of bannerFor and decides nothing. The status element stays
// the same whatever it shows: only then do screen readers announce its changes.

import type { Stop } from '../client/base/clock.ts'
import { editsAsText } from '../client/conflict/conflict-view.ts'
import { type Banner, type BannerAction, type BannerPart, bannerFor } from '../client/record/banner.ts'
import { availableVersion } from '../client/record/remote-versions.ts'
import type { RecordStore } from '../client/record/store.ts'
import type { RecordClient } from '../client/record-client-options.ts'
import { fill, type Words } from '../client/words/messages.ts'
import { copyText } from './copy-text.ts'
import { activeAt, holdFocus, isOfForm } from './focus.ts'

/** What an element shows with. */
export interface PageParts {
  client: RecordClient
  words: Words
}

const ICONS = { info: 'ℹ', warning: '⚠', refusal: '⊘' } as const

export const make = (tag: string, className: string, text = ''): HTMLElement =>
  Object.assign(document.createElement(tag), { className, textContent: text })

/** Shows the banner of one record in this element until the stop. Attributes `review` and `recreate` offer those buttons. */
export function showBanner(host: HTMLElement, store: RecordStore, { client, words }: PageParts): Stop {
  const place = make('div', 'nc-banner-place')
  place.tabIndex = -1
  place.dataset.slot = 'nc-banner-place'
  const line = make('div', 'nc-banner-none')
  const icon = make('span', 'nc-icon')
  icon.setAttribute('aria-hidden', 'true')
  const sentence = make('span', 'nc-sentence')
  sentence.setAttribute('role', 'status')
  const buttons = make('span', 'nc-buttons')
  line.append(icon, sentence, buttons)
  place.append(line)
  host.replaceChildren(place)
  let shown = ''
  let isNotCopied = false
  let cameFrom: Element | null = null
  let stopSeconds: Stop | null = null

  /** The button that was pressed goes away with its line: the focus goes back to where it came from, not nowhere. */
  function leave() {
    if (place.contains(activeAt(place))) goBack()
  }

  function goBack() {
    const target = cameFrom instanceof HTMLElement && cameFrom.isConnected ? cameFrom : place
    target.focus({ preventScroll: true })
  }

  async function act(action: BannerAction) {
    leave()
    if (action === 'copy') isNotCopied = !(await copyText(editsAsText(store.get(), words)))
    else if (action === 'review') {
      host.dispatchEvent(new CustomEvent('noclobber-review', { bubbles: true, detail: store }))
      const isThere = [host.getRootNode() as ParentNode, document].some((root) =>
        root.querySelector('noclobber-conflict'),
      )
      if (isThere) store.review()
    } else if (action === 'recreate') {
      const outcome = await store.recreate()
      if (outcome?.outcome === 'created')
        host.dispatchEvent(new CustomEvent('noclobber-recreated', { bubbles: true, detail: outcome.record }))
    } else store[action]()
    show()
  }

  function button(label: string, className: string, press: () => void) {
    const made = Object.assign(make('button', className, label), { type: 'button' })
    // A mouse press does not take the focus from the field.
    made.addEventListener('mousedown', (event) => event.preventDefault())
    made.addEventListener('click', press)
    return made
  }

  function offered({ buttons: all }: Banner) {
    return all.filter(({ action }) => action !== 'review' || host.hasAttribute('review'))
  }

  function show() {
    const state = store.get()
    const mayRecreate = host.hasAttribute('recreate')
    const banner = bannerFor(state, client.seconds.get(), words, { mayRecreate })
    const available = banner ? null : availableVersion(state)
    if (banner && !stopSeconds) stopSeconds = client.seconds.subscribe(show)
    if (!banner) {
      stopSeconds?.()
      stopSeconds = null
      isNotCopied = false
    }
    line.className = banner ? `nc-banner nc-${banner.tone}` : 'nc-banner-none'
    icon.textContent = banner ? ICONS[banner.tone] : ''
    say(sentence, [
      ...(banner?.parts ?? []),
      ...(isNotCopied ? [{ kind: 'text' as const, text: ` ${words.messages.banner.notCopied}` }] : []),
    ])
    const wanted = banner ? offered(banner) : []
    const now = JSON.stringify([banner?.key, wanted, available])
    if (now === shown) return
    shown = now
    buttons.replaceChildren(
      ...wanted.map(({ action, label }) => button(label, 'nc-button', () => void act(action))),
      ...(available === null
        ? []
        : [
            button(fill(words.messages.banner.available, { version: available }), 'nc-available', store.show),
          ]),
    )
  }

  function goThere(event: KeyboardEvent) {
    if (event.key !== 'F8' || !isOfForm(place) || buttons.childElementCount === 0) return
    event.preventDefault()
    const active = activeAt(place)
    if (place.contains(active)) return leave()
    cameFrom = active
    buttons.querySelector('button')?.focus()
  }

  host.ownerDocument.addEventListener('keydown', goThere)
  const releaseFocus = holdFocus(place, goBack)
  const stop = store.subscribe(show)
  show()
  return () => {
    host.ownerDocument.removeEventListener('keydown', goThere)
    releaseFocus()
    stopSeconds?.()
    stop()
  }
}

const written = new WeakMap<Element, string>()

/** Only what differs is written, for what is written is announced; a page that was translated since stays as it is. */
export function write(place: Element, text: string): void {
  if (written.get(place) === text) return
  written.set(place, text)
  place.textContent = text
}

function say(sentence: HTMLElement, parts: BannerPart[]) {
  if (sentence.childElementCount !== parts.length)
    sentence.replaceChildren(...parts.map(({ kind }) => make(kind === 'time' ? 'time' : 'span', '')))
  for (const [at, part] of parts.entries()) {
    const element = sentence.children[at]
    if (!element) continue
    const tag = part.kind === 'time' ? 'TIME' : 'SPAN'
    const place = element.tagName === tag ? element : make(tag, '')
    if (place !== element) element.replaceWith(place)
    if (part.kind === 'time') {
      place.setAttribute('datetime', new Date(part.at).toISOString())
      place.setAttribute('aria-live', 'off')
      place.className = 'nc-time'
    }
    write(place, part.text)
  }
}

// `<noclobber-banner>`, `<noclobber-conflict>` and `<noclobber-pill>`: custom elements for pages without a framework, and for any framework. They draw into
// themselves, so that `noclobber/styles.css` and the page's own styles apply.

import type { Stop } from '../client/base/clock.ts'
import { lazyModule } from '../client/base/lazy-module.ts'
import { conflictSummary, conflictWith, valueText } from '../client/conflict/conflict-view.ts'
import type { RecordStore } from '../client/record/store.ts'
import type { RecordClient } from '../client/record-client-options.ts'
import { englishConnectionMessages } from '../client/words/connection-messages.ts'
import { createWords, fill, fillPlural, listFields, textsOf, type Words } from '../client/words/messages.ts'
import { timeOfDay } from '../client/words/time-ago.ts'
import { make, type PageParts, showBanner, write } from './banner-element.ts'
import type { ConflictTools } from './conflict-element.ts'

const conflictCode = lazyModule(() => import('./conflict-element.ts'))

/** `<noclobber-banner record-type="project" record-id="1">`, or its property `editor`; `<noclobber-conflict>` too. */
export interface BannerElement extends HTMLElement {
  /** Instead of the attributes: what `client.editor(type, id)` gives. */
  editor: RecordStore | null
}

let parts: PageParts | null = null

/**
 * Defines the elements, for the page's one client. Called again, for another client or other words, it is those that elements
 * show with from then on.
 *
 * `<noclobber-banner record-type="project" record-id="1">` is the line above a form. With the attribute `review` it offers the
 * review of a conflict, and sends `noclobber-review` with the editor as its `detail`; with `recreate` a deleted record may be made
 * anew, and `noclobber-recreated` has the record. `<noclobber-conflict record-type="project" record-id="1">` is the dialog that shows both
 * sides after a refused save, and on review. `<noclobber-pill>` says how changes arrive.
 *
 * @example
 * defineElements(createRecordClient())
 */
export function defineElements(client: RecordClient, words: Words = createWords()): void {
  parts = { client, words }
  if (customElements.get('noclobber-banner')) {
    for (const element of document.querySelectorAll<Shown>(ELEMENTS)) element.open()
    return
  }
  customElements.define('noclobber-banner', recordClass(showBanner))
  customElements.define('noclobber-conflict', recordClass(showConflictLater))
  customElements.define('noclobber-pill', pillClass())
}

const ELEMENTS = 'noclobber-banner, noclobber-conflict, noclobber-pill'
const TRY_AGAIN_MS = 3000
const TOOLS: ConflictTools = { conflictWith, valueText, fill, fillPlural, listFields, make }

/** Its code is asked for again until it is here; meanwhile what happened is said. */
const showConflictLater: typeof showBanner = (element, store, page) => {
  let stop: Stop = () => {}
  let isStopped = false
  const load = () => {
    conflictCode.load().then(
      ({ showConflict }) => {
        stop()
        if (!isStopped) stop = showConflict(element, store, page, TOOLS)
      },
      () => {
        stop()
        if (isStopped) return
        const timer = setTimeout(load, TRY_AGAIN_MS)
        const stopSentence = showSentence(element, store, page)
        stop = () => {
          clearTimeout(timer)
          stopSentence()
        }
      },
    )
  }
  load()
  return () => {
    isStopped = true
    stop()
  }
}

/** Only what differs is written: what is written is announced. */
const showSentence: typeof showBanner = (element, store, { words }) => {
  const write = (text: string) => {
    if (element.textContent !== text) element.textContent = text
  }
  const show = () => write(conflictSummary(store.get(), words)?.sentence ?? '')
  element.setAttribute('role', 'alert')
  const stop = store.subscribe(show)
  show()
  return () => {
    stop()
    write('')
    element.removeAttribute('role')
  }
}

interface Shown extends HTMLElement {
  open(): void
}

/** An element that shows something while it is in the page. */
const shownClass = (show: (element: HTMLElement, page: PageParts) => Stop | null) =>
  class extends HTMLElement implements Shown {
    private stop: Stop | null = null

    connectedCallback() {
      this.open()
    }

    disconnectedCallback() {
      this.stop?.()
      this.stop = null
    }

    open() {
      this.stop?.()
      this.stop = this.isConnected && parts ? show(this, parts) : null
    }
  }

const given = new WeakMap<HTMLElement, RecordStore | null>()

/** An element about one record. */
function recordClass(show: typeof showBanner) {
  const Shown = shownClass((element, page) => {
    const type = element.getAttribute('record-type')
    const id = element.getAttribute('record-id')
    const store = given.get(element) ?? (type && id ? page.client.editor(type, id) : null)
    return store ? show(element, store, page) : null
  })
  return class extends Shown {
    static observedAttributes = ['record-type', 'record-id']

    attributeChangedCallback() {
      if (this.isConnected) this.open()
    }

    get editor() {
      return given.get(this) ?? null
    }

    set editor(editor: RecordStore | null) {
      given.set(this, editor)
      this.open()
    }
  }
}

const pillClass = () =>
  shownClass((element, { client, words }) => {
    const pill = make('span', 'nc-pill')
    pill.setAttribute('role', 'status')
    const dot = make('span', 'nc-pill-dot')
    const name = make('span', '')
    const time = make('span', 'nc-pill-time')
    for (const hidden of [dot, time]) hidden.setAttribute('aria-hidden', 'true')
    pill.append(dot, name, time)
    element.replaceChildren(pill)
    const show = () => {
      const { status, lastCheckedAt } = client.connection.get()
      const texts = textsOf(words, 'connection', englishConnectionMessages)
      const isLive = status === 'live'
      const at = lastCheckedAt === null ? null : timeOfDay(lastCheckedAt, words)
      const checked = at === null ? texts.neverChecked : fill(texts.lastChecked, { time: at })
      pill.title = isLive ? texts.upToDate : `${checked} ${texts.checkedOnSave}`
      for (const place of [pill, name]) place.dataset.status = status
      write(name, texts[status])
      time.textContent = isLive || at === null ? '' : fill(texts.asOf, { time: at })
    }
    const stop = client.connection.subscribe(show)
    show()
    return stop
  })

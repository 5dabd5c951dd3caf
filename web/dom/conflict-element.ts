// The dialog of a conflict as DOM: both sides of a record, field by field, over the same decisions as the dialog of React. Loaded when
// the page has the element. Invariant: what is chosen is sent only by the button, and a choice is valid for the value it was made against.

import type { Stop } from '../client/base/clock.ts'
import { type Choices, resolutionOf, sideOf, undecided } from '../client/conflict/conflict-resolution.ts'
import { conflictRows } from '../client/conflict/conflict-rows.ts'
import type {
  ConflictField,
  ConflictView,
  conflictWith,
  Side,
  valueText,
} from '../client/conflict/conflict-view.ts'
import type { RecordStore } from '../client/record/store.ts'
import type { fill, fillPlural, listFields } from '../client/words/messages.ts'
import type { make, PageParts } from './banner-element.ts'

/** What the page has already. Handed in, for what a loaded module imports is split from the page's first code. */
export interface ConflictTools {
  conflictWith: typeof conflictWith
  valueText: typeof valueText
  fill: typeof fill
  fillPlural: typeof fillPlural
  listFields: typeof listFields
  make: typeof make
}

let dialogs = 0

/** Shows the conflict of one record in this element, and nothing while there is none. */
export function showConflict(
  host: HTMLElement,
  store: RecordStore,
  { words }: PageParts,
  { conflictWith, valueText, fill, fillPlural, listFields, make }: ConflictTools,
): Stop {
  const { conflict: texts, buttons } = words.messages
  let choices: Choices = {}
  let view: ConflictView | null = null
  let drawn = ''
  let cameFrom: Element | null = null
  let isAsking = false
  dialogs += 1
  const prefix = `nc-conflict-${dialogs}`

  function button(label: string, slot: string, press: () => void, className = 'nc-button') {
    const made = Object.assign(make('button', className, label), { type: 'button' })
    made.dataset.slot = slot
    made.addEventListener('click', press)
    return made
  }

  const activeNow = () => (host.getRootNode() as Document).activeElement

  const goBack = () => {
    if (cameFrom instanceof HTMLElement && cameFrom.isConnected) cameFrom.focus()
  }

  /** The pressed button goes away with the dialog: the focus goes back to where it came from. */
  const leaveBy = (act: () => void) => () => {
    goBack()
    act()
  }

  function choose(row: ConflictField, side: Side) {
    const { field, of, theirs, both } = row
    const choice = { side, of, theirs, ...(side === 'both' && both ? { both: both.value } : {}) }
    choices = { ...choices, [field]: choice }
    draw()
  }

  function decide() {
    const decision = view && resolutionOf(view, choices)
    if (decision) return leaveBy(() => void store.resolve(decision))()
    isAsking = true
    draw()
    host.querySelector<HTMLInputElement>('[data-undecided] input')?.focus()
  }

  function sideLabel(row: ConflictField, side: Side, label: string, value: unknown) {
    const place = make('label', 'nc-side')
    const input = Object.assign(document.createElement('input'), {
      type: 'radio',
      name: `${prefix}-${row.field}`,
      checked: sideOf(row, choices) === side,
    })
    input.dataset.key = `${row.field} ${side}`
    input.addEventListener('change', () => choose(row, side))
    const text = make('bdi', 'nc-side-value', valueText(value, words, row.field))
    text.translate = false
    place.append(input, make('span', 'nc-side-name', label), text)
    if (input.checked) place.dataset.chosen = 'true'
    return place
  }

  function rowOf(row: ConflictField) {
    const place = make('fieldset', 'nc-conflict-field')
    place.dataset.field = row.field
    if (sideOf(row, choices) === null) place.dataset.undecided = ''
    const original = make('div', 'nc-original')
    original.append(
      make('span', 'nc-side-name', texts.original),
      make('bdi', 'nc-side-value', valueText(row.original, words, row.field)),
    )
    place.append(
      make('legend', '', row.label),
      sideLabel(row, 'mine', texts.mine, row.mine),
      sideLabel(row, 'theirs', texts.theirs, row.theirs),
      ...(row.both ? [sideLabel(row, 'both', texts.both, row.both.value)] : []),
      original,
    )
    return place
  }

  function sentence(text: string, role: string) {
    const made = make('p', 'nc-sentence', text)
    made.setAttribute('role', role)
    return made
  }

  function contentOf(shown: ConflictView): HTMLElement[] {
    const isRefused = shown.reason === 'refused'
    const twoSided = shown.fields.filter(({ isMine, isTheirs }) => isMine && isTheirs)
    const oneSided = shown.fields.filter((row) => !twoSided.includes(row))
    const scroll = make('div', 'nc-conflict-scroll')
    scroll.append(...twoSided.map(rowOf))
    if (oneSided.length > 0) {
      const before = host.querySelector('details')
      const details = Object.assign(document.createElement('details'), {
        open: before?.open ?? twoSided.length === 0,
      })
      details.append(make('summary', '', fillPlural(texts.oneSided, oneSided.length, words.locale)))
      details.append(...oneSided.map(rowOf))
      scroll.append(details)
    }
    const open = undecided(shown, choices)
    const fields = listFields(
      open.map(({ field }) => field),
      words,
    )
    const save = button(buttons.resolve, 'nc-resolve', decide, 'nc-button nc-primary')
    if (shown.isLoading) save.setAttribute('aria-disabled', 'true')
    const actions = make('div', 'nc-buttons')
    actions.append(
      save,
      button(buttons.reload, 'nc-reload', leaveBy(store.reload)),
      button(buttons.close, 'nc-close', leaveBy(store.closeConflict)),
    )
    const trouble = shown.isReloadFailed ? texts.reloadFailed : shown.isLoading ? texts.loading : null
    return [
      sentence(shown.sentence, isRefused ? 'alert' : 'status'),
      ...(trouble === null ? [] : [sentence(trouble, 'status')]),
      scroll,
      ...(isAsking && open.length > 0 ? [sentence(fill(texts.undecided, { fields }), 'alert')] : []),
      actions,
    ]
  }

  function open(shown: ConflictView): HTMLElement {
    const dialog = Object.assign(document.createElement('dialog'), { open: true, tabIndex: -1 })
    const isRefused = shown.reason === 'refused'
    dialog.className = `nc-conflict nc-${isRefused ? 'refusal' : 'warning'}`
    dialog.dataset.slot = 'nc-conflict'
    dialog.dataset.placement = host.getAttribute('placement') ?? 'end'
    dialog.setAttribute('aria-label', isRefused ? texts.title : texts.reviewTitle)
    dialog.addEventListener('keydown', (event) => {
      // An input method's word is given up by it.
      if (event.key !== 'Escape' || event.isComposing || event.keyCode === 229) return
      event.preventDefault()
      event.stopPropagation()
      leaveBy(store.closeConflict)()
    })
    cameFrom = activeNow()
    host.replaceChildren(dialog)
    return dialog
  }

  /** Typing goes on: the dialog takes the focus only where it would be lost. */
  const isTyping = () => activeNow()?.matches('input, textarea, select, [contenteditable]') === true

  function draw() {
    const before = view
    view = conflictWith(conflictRows, store.get(), words)
    if (!view) {
      choices = {}
      isAsking = false
      drawn = ''
      if (host.contains(activeNow())) goBack()
      if (host.childElementCount > 0) host.replaceChildren()
      return
    }
    const now = JSON.stringify([view, choices, isAsking])
    if (now === drawn) return
    drawn = now
    const known = before?.key === view.key ? host.querySelector<HTMLElement>('dialog') : null
    const dialog = known ?? open(view)
    const focused = activeNow()
    const key = focused instanceof HTMLElement && dialog.contains(focused) ? focused.dataset : null
    const scrolled = dialog.querySelector('.nc-conflict-scroll')?.scrollTop ?? 0
    dialog.replaceChildren(...contentOf(view))
    dialog.querySelector('.nc-conflict-scroll')?.scrollTo(0, scrolled)
    const again = [...dialog.querySelectorAll<HTMLElement>('input, button, summary')].find(
      ({ dataset, tagName }) =>
        key !== null && dataset.key === key.key && dataset.slot === key.slot && tagName === focused?.tagName,
    )
    if (key) (again ?? dialog).focus({ preventScroll: true })
    else if (!known && !isTyping()) dialog.focus({ preventScroll: true })
  }

  const stop = store.subscribe(draw)
  draw()
  return () => {
    stop()
    host.replaceChildren()
  }
}

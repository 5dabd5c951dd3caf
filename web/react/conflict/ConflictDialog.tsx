// The dialog in which the user decides between their edits and a newer version: after a refused save, on review, and after
// edits were restored; of a form, or of a list's cell. What it consists of is loaded with the page that has it, beside the
// first render. While it can't be had, what happened is said all the same.

import { useEffect, useMemo, useRef, useState } from 'react'
import { lazyModule } from '../../client/base/lazy-module.ts'
import { type ConflictView, valueText } from '../../client/conflict/conflict-view.ts'
import { fill, fillPlural, listFields, type Words } from '../../client/words/messages.ts'
import { useLive } from '../base/LiveProvider.tsx'
import { classes, type Parts } from '../base/parts.tsx'
import { useCode } from '../base/useCode.ts'
import type { ConflictDialogProps, DialogWords } from './dialog-props.ts'
import type { TextChoices } from './TextChooser.tsx'

const resolverCode = lazyModule(() => import('./Resolver.tsx'))

// A page with this dialog may need it: its code is on the way before the first render.
void resolverCode.load().catch(() => {})

/** A load that takes longer may never end. */
const LATE_MS = 1000

/** Something has been there for a while. */
function useIsLate(isThere: boolean) {
  const [isLate, setLate] = useState(false)
  useEffect(() => {
    if (!isThere) return
    const timer = setTimeout(() => setLate(true), LATE_MS)
    return () => {
      clearTimeout(timer)
      setLate(false)
    }
  }, [isThere])
  return isLate
}

/** The words as the dialog's parts take them. */
export const dialogWords = (words: Words): DialogWords => ({
  messages: words.messages,
  locale: words.locale,
  fill,
  plural: (plural, count) => fillPlural(plural, count, words.locale),
  fields: (fields) => listFields(fields, words),
  value: (value, field) => valueText(value, words, field),
})

/** Shows itself when a save was refused or both sides are to be looked at, and nothing otherwise. */
export function ConflictDialog(props: ConflictDialogProps) {
  const live = useLive()
  const { conflictView: view, words = live.words } = props.editor
  const code = useCode(resolverCode)
  const isLate = useIsLate(view !== null && !code)
  const spoken = useMemo(() => dialogWords(words), [words])
  /** What one person put together is not the next one's. */
  const person = live.client.personId()
  const texts = useMemo(() => new Map<string, TextChoices>(), [person])
  if (!view) return null
  const own = { view, words: spoken, parts: live.parts, texts }
  if (code) return <code.Resolver key={view.key} {...props} {...own} />
  return isLate ? <Undecided {...props} view={view} words={words} parts={live.parts} /> : null
}

const nothing = () => {}

/** What happened, without what there is to choose from; nothing typed is lost by either button. */
function Undecided({
  editor,
  view,
  words: { messages },
  parts: { Button, Dialog },
  className,
  placement = 'end',
}: ConflictDialogProps & { view: ConflictView; words: Words; parts: Parts }) {
  const place = useRef<HTMLDialogElement>(null)
  const isRefused = view.reason === 'refused'
  const { title, reviewTitle } = messages.conflict
  return (
    <Dialog
      data-slot="nc-conflict"
      tone={isRefused ? 'refusal' : 'warning'}
      label={isRefused ? title : reviewTitle}
      isModal={false}
      onFocus={nothing}
      onKeyDown={nothing}
      {...{ place, placement }}
      className={classes('nc-conflict', className)}
    >
      <p className="nc-sentence" data-slot="nc-conflict-sentence" role="alert">
        {view.sentence}
      </p>
      <div className="nc-buttons" data-slot="nc-conflict-actions">
        <Button data-slot="nc-reload" variant="plain" onClick={editor.reload}>
          {messages.buttons.reload}
        </Button>
        <Button data-slot="nc-close" variant="plain" onClick={editor.closeConflict}>
          {messages.buttons.close}
        </Button>
      </div>
    </Dialog>
  )
}

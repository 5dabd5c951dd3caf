// The dialog in which the user decides between their edits and a newer version: after a refused save, on review, and after
// edits were restored; of a form, or of a list's cell. What it consists of is loaded with the page that has it, beside the
// first render.

import { useEffect, useMemo, useState } from 'react'
import { lazyModule } from '../../client/base/lazy-module.ts'
import { valueText } from '../../client/conflict/conflict-view.ts'
import { fill, fillPlural, listFields, type Words } from '../../client/words/messages.ts'
import { useLive } from '../base/LiveProvider.tsx'
import type { ConflictDialogProps, DialogWords } from './dialog-props.ts'

const resolverCode = lazyModule(() => import('./Resolver.tsx'))

// A page with this dialog may need it: its code is on the way before the first render.
void resolverCode.load().catch(() => {})

const TRY_AGAIN_MS = 3000

/** The code of the dialog; where it can't be had it is asked for again, as long as there is something to decide. */
function useResolver(isWanted: boolean) {
  const [code, setCode] = useState(resolverCode.now)
  const [tries, setTries] = useState(0)
  useEffect(() => {
    if (code || (tries > 0 && !isWanted)) return
    let isHere = true
    let timer: ReturnType<typeof setTimeout> | undefined
    const failed = () => {
      timer = setTimeout(() => setTries((before) => before + 1), TRY_AGAIN_MS)
    }
    resolverCode.load().then((loaded) => isHere && setCode(loaded), failed)
    return () => {
      isHere = false
      clearTimeout(timer)
    }
  }, [code, tries, isWanted])
  return code ?? resolverCode.now()
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
  const code = useResolver(view !== null)
  const spoken = useMemo(() => dialogWords(words), [words])
  if (!view || !code) return null
  return <code.Resolver key={view.key} {...props} view={view} words={spoken} parts={live.parts} />
}

// What a field was and what it became: texts by words, other values one after the other.

import { valueText } from '../../client/conflict/conflict-view.ts'
import type { Words } from '../../client/words/messages.ts'
import { dialogWords } from '../conflict/ConflictDialog.tsx'
import { MarkedText, PlainText } from '../conflict/MarkedText.tsx'
import { useTextDiff } from '../conflict/useTextDiff.ts'

interface DifferenceProps {
  field: string
  before: unknown
  after: unknown
  words: Words
}

export function Difference({ field, before, after, words }: DifferenceProps) {
  const differences = useTextDiff({
    original: before,
    mine: after,
    theirs: before,
    isMine: true,
    isTheirs: false,
  })
  const spoken = dialogWords(words)
  if (differences?.mine)
    return (
      <span className="nc-history-text" dir="auto">
        <MarkedText parts={differences.mine} words={spoken} />
      </span>
    )
  const side = (value: unknown) => (
    <bdi>
      <PlainText text={valueText(value, words, field)} words={spoken} isWhole={false} />
    </bdi>
  )
  return (
    <span className="nc-history-text">
      <del>{side(before)}</del>
      <span aria-hidden="true"> → </span>
      <ins>{side(after)}</ins>
    </span>
  )
}

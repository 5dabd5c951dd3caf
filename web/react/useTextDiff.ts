// What differs in a long text, worked out after the row is on the screen and in pieces, so that typing never waits for it.
// The diff itself is loaded on first use; where it can't be had (no network), the plain values stand.

import { useEffect, useState } from 'react'
import type { TextPart } from '../client/base/text-diff.ts'
import { loadTextDiff } from '../client/record/conflict-resolution.ts'
import type { ConflictField } from '../client/record/conflict-view.ts'

/** Shorter texts are read faster than their differences. */
const LONG_CHARS = 24

export interface TextDifferences {
  mine: TextPart[] | null
  theirs: TextPart[] | null
  /** Both changes in one text, where they don't touch each other. */
  both: string | null
  together: TextPart[] | null
}

const nextTask = () => new Promise<void>((resolve) => setTimeout(resolve))

export function useTextDiff({
  original,
  mine,
  theirs,
  isMine,
  isTheirs,
}: ConflictField): TextDifferences | null {
  const [found, setFound] = useState<TextDifferences | null>(null)
  useEffect(() => {
    setFound(null)
    if (typeof original !== 'string' || typeof mine !== 'string' || typeof theirs !== 'string') return
    if (Math.max(original.length, mine.length, theirs.length) < LONG_CHARS) return
    let isWanted = true
    const differ = async () => {
      const { mergeTexts, partsBetween } = await loadTextDiff()
      const later = async <T>(work: () => T): Promise<T | null> => {
        await nextTask()
        return isWanted ? work() : null
      }
      const isBoth = isMine && isTheirs && mine !== theirs
      const differences: TextDifferences = {
        mine: isMine ? await later(() => partsBetween(original, mine)) : null,
        theirs: isTheirs ? await later(() => partsBetween(original, theirs)) : null,
        both: isBoth ? await later(() => mergeTexts(original, mine, theirs)) : null,
        together: null,
      }
      const { both } = differences
      if (both !== null) differences.together = await later(() => partsBetween(original, both))
      if (isWanted) setFound(differences)
    }
    differ().catch(() => {})
    return () => {
      isWanted = false
    }
  }, [original, mine, theirs, isMine, isTheirs])
  return found
}

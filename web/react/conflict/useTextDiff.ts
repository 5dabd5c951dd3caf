// What differs in a long text, worked out after the row is on the screen and in pieces, so that typing never waits for it.
// The diff itself is loaded on first use; where it can't be had (no network), the plain values stand.

import { useEffect, useState } from 'react'
import type { ConflictField } from '../../client/conflict/conflict-view.ts'
import type { TextPart } from '../../client/text/text-diff.ts'
import type { TextPlace, textOf } from '../../client/text/text-parts.ts'

/** Shorter texts are read faster than their differences. */
const LONG_CHARS = 24

export interface TextDifferences {
  /** Of each side what it changed; `null` where it is shown whole: it changed nothing, or more than half. */
  mine: TextPart[] | null
  theirs: TextPart[] | null
  original: TextPart[] | null
  /** Both changes in one text, where they don't touch each other. */
  both: { text: string; marked: TextPart[] | null } | null
  /** More than half is new: the sides are read whole. */
  isRewritten: boolean
  /** Where both changed it, and neither most of it: the places to choose from. */
  parts: PlacesOfText | null
}

/** The places of a text, and what makes a text of choices. */
export interface PlacesOfText {
  places: TextPlace[]
  textOf: typeof textOf
}

const nextTask = () => new Promise<void>((resolve) => setTimeout(resolve))

export function useTextDiff({
  original,
  mine,
  theirs,
  isMine,
  isTheirs,
}: Pick<ConflictField, 'original' | 'mine' | 'theirs' | 'isMine' | 'isTheirs'>): TextDifferences | null {
  const [found, setFound] = useState<TextDifferences | null>(null)
  useEffect(() => {
    if (typeof original !== 'string' || typeof mine !== 'string' || typeof theirs !== 'string')
      return setFound(null)
    if (Math.max(original.length, mine.length, theirs.length) < LONG_CHARS) return setFound(null)
    let isWanted = true
    const differ = async () => {
      const { isRewritten, partsAround, partsBetween, placesOf, textOf } = await import(
        '../../client/text/text-diff.ts'
      )
      const later = async <T>(work: () => T): Promise<T | null> => {
        await nextTask()
        return isWanted ? work() : null
      }
      const isNew =
        (isMine && (await later(() => isRewritten(original, mine)))) ||
        (isTheirs && (await later(() => isRewritten(original, theirs)))) ||
        false
      const places =
        isNew || !isMine || !isTheirs || mine === theirs
          ? null
          : await later(() => placesOf(original, mine, theirs))
      const both = places && textOf(places, {})
      const differences: TextDifferences = {
        mine: isMine && !isNew ? await later(() => partsBetween(original, mine)) : null,
        theirs: isTheirs && !isNew ? await later(() => partsBetween(original, theirs)) : null,
        original: isNew ? null : await later(() => partsAround(original, mine, theirs)),
        both: both === null ? null : { text: both, marked: await later(() => partsBetween(original, both)) },
        isRewritten: isNew,
        parts: places && { places, textOf },
      }
      if (isWanted) setFound(differences)
    }
    // Without the code both texts are shown whole.
    differ().catch(() => {})
    return () => {
      isWanted = false
    }
  }, [original, mine, theirs, isMine, isTheirs])
  return found
}

// Where a place of a text is in another version of it.

/** So many characters on each side are looked for at most. */
const AROUND = 16

/** Where `wanted` begins in a text, the nearest to `by`; -1 where it isn't there. */
function nearest(text: string, wanted: string, by: number): number {
  let found = -1
  for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + 1))
    if (found < 0 || Math.abs(at - by) < Math.abs(found - by)) found = at
  return found
}

/** By what stands on both sides of it, or on one, as much as is there still; `null` where nothing of it is. */
function placeAmong(before: string, now: string, at: number, by: number): number | null {
  for (let size = AROUND; size > 0; size >>= 1)
    for (const [left, right] of [
      [size, size],
      [size, 0],
      [0, size],
    ] as const) {
      const from = Math.max(0, at - left)
      const wanted = before.slice(from, at + right)
      const found = wanted === '' ? -1 : nearest(now, wanted, by - (at - from))
      if (found >= 0) return found + at - from
    }
  return null
}

/**
 * By what both begin and end with, and between these by what stands around it; of what was replaced nothing is left: there it is as
 * near as can be.
 */
export function placesIn(before: string, now: string, places: readonly number[]): number[] {
  const most = Math.min(before.length, now.length)
  let same = 0
  while (same < most && before[same] === now[same]) same += 1
  let sameAtEnd = 0
  while (sameAtEnd < most - same && before.at(-1 - sameAtEnd) === now.at(-1 - sameAtEnd)) sameAtEnd += 1
  const end = now.length - sameAtEnd
  return places.map((at) => {
    if (at <= same) return at
    if (at >= before.length - sameAtEnd) return at + now.length - before.length
    const by = Math.min(at, Math.max(same, end))
    const among = placeAmong(before.slice(same), now.slice(same, end), at - same, by - same)
    return among === null ? by : same + among
  })
}

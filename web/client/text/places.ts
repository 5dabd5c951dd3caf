// Where a place of a text is in another version of it.

/** By what both begin and end with; of what was replaced nothing is left: there it is as near as can be. */
export function placesIn(before: string, now: string, places: readonly number[]): number[] {
  const most = Math.min(before.length, now.length)
  let same = 0
  while (same < most && before[same] === now[same]) same += 1
  let sameAtEnd = 0
  while (sameAtEnd < most - same && before.at(-1 - sameAtEnd) === now.at(-1 - sameAtEnd)) sameAtEnd += 1
  return places.map((at) =>
    at > same && at >= before.length - sameAtEnd
      ? at + now.length - before.length
      : Math.min(at, Math.max(same, now.length - sameAtEnd)),
  )
}

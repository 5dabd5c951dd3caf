// Ids in paths. Browsers take the segments `.` and `..` out of an address before they send it, `%2E` too.
// Invariant: every id has a segment, and no segment means two ids.

const DOTS = /^~+\.{1,2}$/

/** The id of a path's segment: `~.` and `~..` are the ids `.` and `..`, with one more `~` for one that begins with it. */
export const idOfSegment = (segment: string): string => (DOTS.test(segment) ? segment.slice(1) : segment)

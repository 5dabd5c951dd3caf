// Positions of one database compared, without asking it. Snapshots of a primary are in a line: of two, one has everything that
// the other has. Invariant: where that can't be seen from the numbers, the answer is "no".
import { type SnapshotParts, snapshotParts } from './cursor.ts'

/** A snapshot that can be asked. */
export interface Snapshot {
  isVisible(xid: string): boolean
  /** Everything that is visible in it is visible in the other one. */
  isWithin(other: Snapshot): boolean
  parts: SnapshotParts
}

/** From PostgreSQL's text form; `null` where it isn't one. */
export const readSnapshot = (text: string): Snapshot | null => {
  const parts = snapshotParts(text)
  if (!parts) return null
  const open = new Set(parts.open)
  return {
    parts,
    isVisible: (text) => {
      const xid = BigInt(text)
      return xid < parts.xmax && !open.has(xid)
    },
    isWithin: ({ parts: later }) =>
      parts.xmax <= later.xmax && later.open.every((xid) => xid >= parts.xmax || open.has(xid)),
  }
}

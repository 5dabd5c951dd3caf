// Tabs that are at a record by a list that shows it: they leave it with the list.
// Invariant: a socket is at no more rows than one person can edit, whatever it says.

/** More rows than this at once are nobody's hands. */
const MOST_ROWS = 20

/** Kept of each socket: the rooms of the rows that it is at, and of the lists that show them. */
export const createRowsOfLists = () => {
  const sockets = new Map<string, Map<string, readonly string[]>>()

  const drop = (socketId: string, room: string) => {
    const rows = sockets.get(socketId)
    rows?.delete(room)
    if (rows?.size === 0) sockets.delete(socketId)
  }

  return {
    /** Gives the room that is given up for it, where there are too many. */
    add: (socketId: string, room: string, lists: readonly string[]): string | null => {
      const rows = sockets.get(socketId) ?? new Map<string, readonly string[]>()
      sockets.set(socketId, rows)
      rows.delete(room)
      rows.set(room, lists)
      const [oldest = null] = rows.size > MOST_ROWS ? rows.keys() : []
      if (oldest !== null) rows.delete(oldest)
      return oldest
    },
    drop,
    /** The socket left a list: gives the rooms of the rows that it was at by that. */
    left: (socketId: string, list: string): string[] => {
      const rooms = [...(sockets.get(socketId) ?? [])].flatMap(([room, lists]) =>
        lists.includes(list) ? [room] : [],
      )
      for (const room of rooms) drop(socketId, room)
      return rooms
    },
  }
}

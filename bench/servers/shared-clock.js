// When a server began to send: clocks of one machine's processes agree.

/** Milliseconds on the clock that all processes of this machine share. */
export const sharedNow = () => Number(process.hrtime.bigint()) / 1e6

/**
 * Notes when a room's members are first asked for after `begin`: publishing to a room begins with that.
 *
 * @param {Map<string, Set<string>>} rooms A Socket.IO adapter's.
 */
export const firstLook = (rooms) => {
  let at = null
  return {
    begin: () => {
      rooms.get = (room) => {
        at = sharedNow()
        delete rooms.get
        return rooms.get(room)
      }
    },
    at: () => at,
  }
}

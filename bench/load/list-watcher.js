// One socket that watches the list of all projects.
import { connectSockets } from './sockets.js'

export default async ({ port }) => {
  const [socket] = await connectSockets(port, 1)
  const { lists } = await socket.emitWithAck('watch', { records: [], lists: [{ type: 'project' }] })
  if (!lists[0].ok) throw new Error(`refused: ${JSON.stringify(lists)}`)

  let begun = 0
  let arrived = 0
  let expected = 0
  let done = () => {}
  let perSecond
  socket.on('RecordUpdated', () => {
    if (arrived === 0) begun = performance.now()
    arrived += 1
    if (arrived === expected) done(((expected - 1) * 1_000) / (performance.now() - begun))
  })

  return {
    /** Gets ready for so many events; only then may the changes be made. */
    listen: (count) => {
      arrived = 0
      expected = count
      perSecond = new Promise((resolve) => {
        done = resolve
      })
    },
    /** How many events a second arrived, from the first to the last. */
    perSecond: () => perSecond,
    stop: () => {
      socket.disconnect()
    },
  }
}

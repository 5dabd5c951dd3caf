// One socket that watches the list of all projects.
import { connectSockets } from './sockets.js'

export default async ({ port }) => {
  const [socket] = await connectSockets(port, 1)
  const { lists } = await socket.emitWithAck('watch', { records: [], lists: [{ type: 'project' }] })
  if (!lists[0].ok) throw new Error(`refused: ${JSON.stringify(lists)}`)

  let arrived = 0
  let expected = 0
  let done = () => {}
  let all
  socket.on('RecordUpdated', () => {
    arrived += 1
    if (arrived === expected) done()
  })

  return {
    /** Gets ready for so many events; only then may the changes be made. */
    listen: (count) => {
      arrived = 0
      expected = count
      all = new Promise((resolve) => {
        done = resolve
      })
    },
    /** All of them have arrived. */
    received: () => all,
    stop: () => {
      socket.disconnect()
    },
  }
}

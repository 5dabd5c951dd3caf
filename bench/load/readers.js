// Many readers of event streams, of the product's or of a bare server's.
import { Agent, get } from 'node:http'

const MARK = 'event: RecordUpdated'

/** Opens one stream; `onEvents` learns how many events each piece of text holds. */
const read = (url, agent, onEvents) =>
  new Promise((resolve, reject) => {
    const request = get(url, { agent }, (response) => {
      response.setEncoding('utf8')
      let rest = ''
      response.on('error', () => {})
      response.on('data', (piece) => {
        if (rest === '') resolve(() => request.destroy())
        const text = rest + piece
        const end = text.lastIndexOf('\n\n') + 2
        rest = text.slice(end) || ' '
        onEvents(text.slice(0, end).split(MARK).length - 1)
      })
    })
    request.on('error', reject)
  })

export default async ({ port, readers: count, ids }) => {
  const agent = new Agent({ maxSockets: Number.POSITIVE_INFINITY })
  const expected = count * ids.length
  let received = () => {}
  const open = (url) =>
    Promise.all(Array.from({ length: count }, () => read(url, agent, (events) => received(events))))
  const rooms = ids.map((id) => `record=project:${id}`).join('&')
  const stops = [
    ...(await open(`http://127.0.0.1:${port}/api/v1/events?${rooms}`)),
    ...(await open(`http://127.0.0.1:${port}/bare`)),
  ]

  let spread

  return {
    listen: () => {
      let begun = 0
      let arrived = 0
      spread = new Promise((resolve) => {
        received = (events) => {
          if (events > 0 && arrived === 0) begun = performance.now()
          arrived += events
          if (arrived >= expected) resolve(performance.now() - begun)
        }
      })
    },
    /** Milliseconds from the first event until everybody has received all changes. */
    spread: () => spread,
    stop: () => {
      for (const stop of stops) stop()
    },
  }
}

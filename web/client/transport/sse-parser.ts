// Parses the text of Server-Sent Events as it arrives, by eventsource-parser:
// https://html.spec.whatwg.org/multipage/server-sent-events.html. How the text is sliced changes nothing.
// A block without data yields no event and no id, so the server sends its position with a `heartbeat` event.

import { createParser } from 'eventsource-parser'

interface TextEvent {
  name: string
  data: string
}

export interface EventTextReader {
  /** Takes the next piece, and returns the events that it completes. */
  read(piece: string): TextEvent[]
  /** The last id so far, `''` before the first. */
  lastId(): string
}

export function createEventTextReader(): EventTextReader {
  let events: TextEvent[] = []
  let lastId = ''
  const parser = createParser({
    onEvent({ id, event = 'message', data }) {
      lastId = id ?? lastId
      events.push({ name: event, data })
    },
  })
  return {
    read(piece) {
      events = []
      parser.feed(piece)
      return events
    },
    lastId: () => lastId,
  }
}

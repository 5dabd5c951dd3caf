// Server-Sent Events as text, taken apart as they come: https://html.spec.whatwg.org/multipage/server-sent-events.html.
// Pure: whatever the pieces, the events are the same.

export interface TextEvent {
  name: string
  data: string
}

export interface EventTextReader {
  /** Takes the next piece, and gives the events that it completes. */
  read(piece: string): TextEvent[]
  /** The last id so far, `''` before the first. */
  lastId(): string
}

export function createEventTextReader(): EventTextReader {
  let rest = ''
  let name = ''
  let data: string[] = []
  let lastId = ''

  function take(line: string): TextEvent | null {
    if (line === '') {
      const event = data.length > 0 ? { name: name || 'message', data: data.join('\n') } : null
      name = ''
      data = []
      return event
    }
    const [, field = '', value = ''] = /^([^:]*)(?:: ?(.*))?$/.exec(line) ?? []
    if (field === 'event') name = value
    if (field === 'data') data.push(value)
    if (field === 'id') lastId = value
    return null
  }

  return {
    read(piece) {
      const lines = (rest + piece).split(/\r\n|\n|\r(?!$)/)
      rest = lines.pop() ?? ''
      return lines.flatMap((line) => take(line) ?? [])
    },
    lastId: () => lastId,
  }
}

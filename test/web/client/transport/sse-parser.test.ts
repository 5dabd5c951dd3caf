// Server-Sent Events as text.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createEventTextReader } from '../../../../web/client/transport/sse-parser.ts'

const readAll = (pieces: string[]) => {
  const reader = createEventTextReader()
  return { events: pieces.flatMap(reader.read), lastId: reader.lastId() }
}

test('events, ids, comments and data of several lines are parsed', () => {
  const text = [
    'retry: 1000\nid: a\nevent: Watching\ndata: {"records":[]}\n\n',
    ': still here\nid: b\nevent: heartbeat\ndata: {}\n\n',
    'data: one\ndata:two\n\n',
    'event: Half\ndata: not yet\n',
  ].join('')
  expect(readAll([text])).toEqual({
    events: [
      { name: 'Watching', data: '{"records":[]}' },
      { name: 'heartbeat', data: '{}' },
      { name: 'message', data: 'one\ntwo' },
    ],
    lastId: 'b',
  })
})

test('however the text is sliced and its lines end, the events are the same', () => {
  const event = fc.record({
    name: fc.constantFrom('A', 'B'),
    data: fc.json(),
    id: fc.stringMatching(/^[a-z]{1,5}$/),
  })
  const property = fc.property(
    fc.array(event, { maxLength: 5 }),
    fc.constantFrom('\n', '\r\n', '\r'),
    fc.infiniteStream(fc.integer({ min: 1, max: 9 })),
    (events, end, sizes) => {
      const text = events
        .map(({ name, data, id }) => `id: ${id}\nevent: ${name}\ndata: ${data}\n\n`.replaceAll('\n', end))
        .join('')
      const pieces: string[] = []
      for (let at = 0; at < text.length; ) {
        const size = sizes.next().value as number
        pieces.push(text.slice(at, at + size))
        at += size
      }
      // A lone CR at the very end may still become CRLF.
      const found = readAll([...pieces, ': end\n'])
      expect(found.events).toEqual(events.map(({ name, data }) => ({ name, data })))
      expect(found.lastId).toBe(events.at(-1)?.id ?? '')
    },
  )
  fc.assert(property, { numRuns: 300 })
})

// What a page loads that reads event streams: the transport, and how the tabs of one person share it.

export { createEventStreamTransport } from './event-stream.ts'
export { createSharedStream } from './shared-stream.ts'

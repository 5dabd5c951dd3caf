// What an event stream says, block by block, as every reader of Server-Sent Events takes it: a block that was cut off
// counts for nothing, and neither does its id.
import type { Received } from './app-socket.ts'

export interface StreamText {
  /** Without heartbeats, which come when they come. */
  received: Received[]
  heartbeats: Received[]
  take(chunk: string): void
  /** The id that a reader sends next. */
  lastId(): string
}

/** Reads from where `after` was the last id. */
export const readStreamText = (after = ''): StreamText => {
  const received: Received[] = []
  const heartbeats: Received[] = []
  let rest = ''
  let lastId = after

  const takeBlock = (block: string) => {
    const fields = block.split('\n').map((line): [string, string] => {
      const [name = '', ...value] = line.split(': ')
      return [name, value.join(': ')]
    })
    const field = (wanted: string) => fields.find(([name]) => name === wanted)?.[1]
    lastId = field('id') ?? lastId
    const data = field('data')
    if (data === undefined) return
    const name = field('event') ?? 'message'
    ;(name === 'heartbeat' ? heartbeats : received).push({ name, event: JSON.parse(data) })
  }

  return {
    received,
    heartbeats,
    take: (chunk) => {
      const blocks = (rest + chunk).split('\n\n')
      rest = blocks.pop() ?? ''
      for (const block of blocks) takeBlock(block)
    },
    lastId: () => lastId,
  }
}

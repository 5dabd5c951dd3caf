// How long a reconnect storm is asked to take: each client that is lost knows of all that are lost with it.
import { expect, test } from 'vitest'
import { createReconnectSpread } from '../../../server/pacing/reconnect-spread.ts'
import { startApp } from '../../support/app.ts'
import { openStream } from '../../support/app-stream.ts'
import { atEnd } from '../../support/at-end.ts'
import { waitFor } from '../../support/wait-for.ts'

function createCrowd(rememberedMs?: number) {
  const crowd = { size: 0, published: [] as number[] }
  const spread = createReconnectSpread({
    count: () => crowd.size,
    publish: (spreadMs) => crowd.published.push(spreadMs),
    ...(rememberedMs && { rememberedMs }),
  })
  atEnd(spread.stop)
  const askedOf = (size: number) => {
    crowd.size = size
    return spread.asked()
  }
  return { crowd, askedOf }
}

test('asks many to spread their return, and a few for nothing', () => {
  expect(createCrowd().askedOf(140)).toEqual({})
  expect(createCrowd().askedOf(1_000)).toEqual({ spread_ms: 7_000 })
  expect(createCrowd().askedOf(100_000)).toEqual({ spread_ms: 8_000 })
})

test('those who came first learn of those who came after, each time that they are a quarter more', () => {
  const { crowd, askedOf } = createCrowd()
  for (let size = 1; size <= 5_000; size += 1) askedOf(size)
  expect(crowd.published).toEqual([1_253, 1_568, 1_960, 2_450, 3_066, 3_836, 4_795, 5_999, 7_504])
})

test('the first client that comes back learns of all of the storm', () => {
  const { crowd, askedOf } = createCrowd()
  askedOf(1_000)
  expect(askedOf(1)).toEqual({ spread_ms: 7_000 })
  expect(askedOf(500)).toEqual({ spread_ms: 7_000 })
  expect(crowd.published).toEqual([7_000])
})

test('a crowd that has gone is forgotten after a while, and announced again when it is back', async () => {
  const { crowd, askedOf } = createCrowd(10)
  askedOf(1_000)
  await waitFor(() => askedOf(10).spread_ms === undefined, { what: 'the crowd to be forgotten' })
  askedOf(1_000)
  expect(crowd.published).toEqual([7_000, 7_000])
})

test('a socket and a stream that were there first learn of a crowd, and the stream’s reader waits longer', async () => {
  const app = await startApp({ limits: { socketsPerPerson: 300 } })
  const { id } = await app.make('project', { name: 'Bridge' })
  const records = [{ type: 'project', id }]
  const socket = await app.socket()
  const stream = await openStream(app.origin, `record=project:${id}`)
  await stream.receives('Watching')
  expect(await socket.socket.emitWithAck('watch', { records })).not.toHaveProperty('spread_ms')
  const crowd = await Promise.all(Array.from({ length: 200 }, () => app.socket()))
  expect(await crowd[0]?.socket.emitWithAck('watch', { records })).toMatchObject({ spread_ms: 202 * 7 })
  expect(await socket.receives('SpreadChanged')).toEqual({ spread_ms: 202 * 7 })
  expect(await stream.receives('SpreadChanged')).toEqual({ spread_ms: 202 * 7 })
  expect(stream.text().match(/^retry: \d+$/gm)).toHaveLength(2)
  const late = await openStream(app.origin, `record=project:${id}`)
  expect(await late.receives('Watching')).toMatchObject({ spread_ms: 203 * 7 })
})

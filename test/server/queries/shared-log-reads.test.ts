// One read of the log for all who were woken by the same change, and none that is older than that.
import { expect, test } from 'vitest'
import type { Cursor } from '../../../server/log/cursor.ts'
import type { Page } from '../../../server/log/log-reader.ts'
import { createSharedLogReads } from '../../../server/queries/shared-log-reads.ts'

const at = (snapshot: string) => ({ epoch: 'one', snapshot }) as Cursor

test('those who stand at one cursor share a page that was read after they were woken', async () => {
  let now = 1
  const read: string[] = []
  const shared = createSharedLogReads(
    async ({ snapshot }, size) => {
      read.push(`${snapshot} ${size} at ${now}`)
      return { changes: [] } as unknown as Page
    },
    () => now,
  )
  const pages = await Promise.all([1, 2, 3].map(() => shared(1)(at('5:5:'), 500)))
  expect(new Set(pages).size).toBe(1)
  await shared(1)(at('6:6:'), 500)
  await shared(1)(at('5:5:'), 1_000)
  expect(read).toEqual(['5:5: 500 at 1', '6:6: 500 at 1', '5:5: 1000 at 1'])
  now = 2
  await shared(1)(at('5:5:'), 500)
  expect(read).toHaveLength(3)
  await shared(2)(at('5:5:'), 500)
  await shared(1)(at('5:5:'), 500)
  expect(read.slice(3)).toEqual(['5:5: 500 at 2'])
})

test('a read that failed is nobody’s', async () => {
  let isDown = true
  const shared = createSharedLogReads(
    async () => {
      if (isDown) throw new Error('down')
      return null
    },
    () => 1,
  )
  await expect(shared(1)(at('5:5:'), 500)).rejects.toThrow('down')
  isDown = false
  await expect(shared(1)(at('5:5:'), 500)).resolves.toBeNull()
})

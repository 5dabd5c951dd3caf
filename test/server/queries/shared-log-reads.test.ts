// One read of the log for all who were woken by the same change, and none that is older than that.
import { expect, test } from 'vitest'
import type { Cursor } from '../../../server/log/cursor.ts'
import type { Page } from '../../../server/log/log-reader.ts'
import { createSharedLogReads } from '../../../server/queries/shared-log-reads.ts'

const at = (snapshot: string) => ({ epoch: 'one', snapshot }) as Cursor
const of = (tenant: string) => ({ sources: ['public.tasks'], tenants: [tenant] })

test('those who stand at one cursor share a page that was read after they were woken', async () => {
  let now = 1
  const read: string[] = []
  const shared = createSharedLogReads(
    async ({ snapshot }, size, { tenants }) => {
      read.push(`${snapshot} ${size} of ${tenants} at ${now}`)
      return { changes: [] } as unknown as Page
    },
    () => now,
  )
  const pages = await Promise.all([1, 2, 3].map(() => shared(1)(at('5:5:'), 500, of('acme'))))
  expect(new Set(pages).size).toBe(1)
  await shared(1)(at('6:6:'), 500, of('acme'))
  await shared(1)(at('5:5:'), 1_000, of('acme'))
  await shared(1)(at('5:5:'), 500, of('globex'))
  expect(read).toEqual([
    '5:5: 500 of acme at 1',
    '6:6: 500 of acme at 1',
    '5:5: 1000 of acme at 1',
    '5:5: 500 of globex at 1',
  ])
  now = 2
  await shared(1)(at('5:5:'), 500, of('acme'))
  expect(read).toHaveLength(4)
  await shared(2)(at('5:5:'), 500, of('acme'))
  await shared(1)(at('5:5:'), 500, of('acme'))
  expect(read.slice(4)).toEqual(['5:5: 500 of acme at 2'])
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
  await expect(shared(1)(at('5:5:'), 500, of('acme'))).rejects.toThrow('down')
  isDown = false
  await expect(shared(1)(at('5:5:'), 500, of('acme'))).resolves.toBeNull()
})

// Whatever the app's logger does, what is logged goes on, and each line says its message.
import { expect, test } from 'vitest'
import { harmlessLogger } from '../../../server/base/logger.ts'
import { startApp } from '../../support/app.ts'

test('loggers of either order say the message', () => {
  const lines: unknown[][] = []
  const write = (...parts: unknown[]) => void lines.push(parts)
  const pino = { info: write, warn: write, error: write, child: () => {} }
  const winston = { ...pino, transports: [], configure: () => {} }
  const own = { info: write, warn: write, error: write }
  for (const logger of [pino, winston, { ...console, ...own }, own])
    harmlessLogger(logger).warn({ table: 'a' }, 'It is so.')
  expect(lines[0]).toMatchObject([{ table: 'a' }, 'It is so.'])
  for (const line of [lines[1], lines[2]]) expect(line).toEqual(['It is so.', { table: 'a' }])
  const [first] = lines[3] as [object]
  expect([String(first), JSON.stringify(first)]).toEqual(['It is so.', '{"table":"a"}'])
})

test('a logger that throws, rejects or lacks a method stops nobody', () => {
  const thrown = () => {
    throw new Error('no disk')
  }
  const rejecting = () => Promise.reject(new Error('no disk'))
  for (const logger of [
    { info: thrown, warn: thrown, error: thrown },
    { info: rejecting, warn: rejecting, error: rejecting },
    {},
  ])
    expect(() => harmlessLogger(logger as never).error({}, 'x')).not.toThrow()
})

test('events arrive though every log call, a permission and a metric fail', async () => {
  const thrown = () => {
    throw new Error('no disk')
  }
  const app = await startApp({ log: { info: thrown, warn: thrown, error: thrown } })
  await app.make('project', { name: 'a' })
  const watcher = await app.socket()
  await watcher.watch(['project', '1'])
  await app.sql(`update projects set name = 'b'; alter table projects disable trigger all;
    update projects set updated_at = 'infinity'; alter table projects enable trigger all; update noclobber.record_changes set updated_at = 'infinity'`)
  await app.sql(`update projects set name = 'c'`)
  await watcher.receives('RecordUpdated', { version: 3 })
  await app.stop()
})

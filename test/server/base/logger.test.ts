// Whatever the app's logger does, what is logged goes on, and each line says its message.
import { Writable } from 'node:stream'
import createKnex from 'knex'
import { createRecordServer } from 'noclobber/server'
import { pino } from 'pino'
import { expect, onTestFinished, test, vi } from 'vitest'
import winston from 'winston'
import { harmlessLogger, type Logger, loggerOf } from '../../../server/base/logger.ts'
import { startApp } from '../../support/app.ts'

test('loggers of either order say the message', () => {
  const lines: unknown[][] = []
  const write = (...parts: unknown[]) => void lines.push(parts)
  const detailsFirst = { info: write, warn: write, error: write, child: () => {} }
  const messageFirst = { ...detailsFirst, transports: [], configure: () => {} }
  const own = { info: write, warn: write, error: write }
  for (const logger of [detailsFirst, messageFirst, { ...console, ...own }, own])
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

const collected = () => {
  const lines: string[] = []
  const stream = new Writable({
    write: (line, _encoding, done) => {
      lines.push(String(line))
      done()
    },
  })
  return { lines, stream }
}

test('pino and winston write the message, the details and the stack of an error', () => {
  const loggers: [string, (stream: Writable) => Logger][] = [
    ['pino', (stream) => pino(stream)],
    [
      'winston',
      (stream) =>
        winston.createLogger({
          format: winston.format.json(),
          transports: new winston.transports.Stream({ stream }),
        }) as unknown as Logger,
    ],
  ]
  for (const [name, make] of loggers) {
    const { lines, stream } = collected()
    const logger = harmlessLogger(make(stream))
    logger.error({ err: new RangeError('too far'), table: 'a' }, 'It failed.')
    const line = JSON.parse(lines.join(''))
    const stack = typeof line.err === 'string' ? line.err : line.err.stack
    expect([name, line.msg ?? line.message, line.table]).toEqual([name, 'It failed.', 'a'])
    expect(stack).toMatch(/^RangeError: too far\n\s+at /)
  }
})

test('without a logger warnings and errors are on the console, and forge no line; null and false are silence', () => {
  const said: unknown[][] = []
  for (const level of ['info', 'warn', 'error'] as const)
    vi.spyOn(console, level).mockImplementation((...parts) => void said.push([level, ...parts]))
  onTestFinished(() => void vi.restoreAllMocks())
  const own = loggerOf(undefined)
  own.info({}, 'It is so.')
  own.warn({}, 'It is odd.')
  own.error({ err: new Error('a\u001b[2Jb') }, 'It failed.')
  for (const none of [null, false] as const) loggerOf(none).error({}, 'Unsaid.')
  expect(said).toEqual([
    ['warn', 'noclobber: It is odd.'],
    ['error', 'noclobber: It failed.', expect.stringMatching(/Error: a\\u001b\[2Jb\n/)],
  ])
})

test('a server without a logger says on the console why it does not start', async () => {
  const said: string[] = []
  vi.spyOn(console, 'warn').mockImplementation((line) => void said.push(line))
  const log = { warn: () => {}, error: () => {} }
  const knex = createKnex({ client: 'pg', connection: 'postgres://nobody@127.0.0.1:1/none', log })
  const records = createRecordServer({ knex, types: [], authenticate: () => null, limits: { startMs: 1 } })
  onTestFinished(async () => {
    await records.stop()
    await knex.destroy()
    vi.restoreAllMocks()
  })
  await expect(records.start()).rejects.toThrow('could not start')
  await vi.waitUntil(
    () => said.some((line) => line.startsWith('noclobber: The database is not available yet.')),
    30_000,
  )
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

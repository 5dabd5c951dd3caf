// A node in a process of its own that ends by SIGKILL at the place that FAILPOINT names, when it is passed for the AFTER-th
// time. The places are reached from outside, through pg and node:net: the server itself knows nothing of them.
import { createServer, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import express from 'express'
import knex from 'knex'
import pg from 'pg'
import { z } from 'zod'
import { createRecordServer, defineRecordType } from '../../server/index.ts'

const { DATABASE_URL = '', PORT = '', FAILPOINT = '', AFTER = '1' } = process.env

let left = Number(AFTER)
const die = (place: string) => {
  if (place !== FAILPOINT) return
  left -= 1
  if (left === 0) process.kill(process.pid, 'SIGKILL')
}

interface Result {
  rows: { xid?: unknown }[]
}
type Answered = (error: unknown, result?: Result) => void
type Query = (this: unknown, config: { text?: string; callback?: Answered }, ...rest: unknown[]) => unknown

const passed = (text: string, { rows }: Result) => {
  if (/set_config\('noclobber\.actor'/.test(text) && rows.length > 0) die('committed, nothing sent')
  if (/k\(xid, seq\)/.test(text) && rows.some(({ xid }) => xid)) die('read, not delivered')
}

const client = pg.Client.prototype as unknown as { query: Query }
const { query } = client
client.query = function (config, ...rest) {
  const { text = '', callback } = config
  // A statement that is sent by a query of its own make calls back; others are promised.
  if (callback) {
    config.callback = (error, result) => {
      if (result) passed(text, result)
      callback(error, result)
    }
  }
  const sent = query.call(this, config, ...rest)
  if (!(sent instanceof Promise)) return sent
  return sent.then((result: Result) => {
    passed(text, result)
    return result
  })
}

const { write } = Socket.prototype
Socket.prototype.write = function (this: Socket, ...sent: unknown[]) {
  const isEvent = /\["Record|event: Record/.test(String(sent[0]))
  if (isEvent) die('about to send to a watcher')
  const taken = Reflect.apply(write, this, sent)
  if (isEvent) die('sent to a watcher, not the next')
  return taken
}

const { end } = ServerResponse.prototype
ServerResponse.prototype.end = function (this: ServerResponse, ...sent: unknown[]) {
  if (this.req.method === 'PATCH' && this.statusCode === 200) die('saved, not answered')
  return Reflect.apply(end, this, sent)
}

const connection = knex({ client: 'pg', connection: DATABASE_URL, pool: { min: 0, max: 4 } })
const records = createRecordServer({
  log: null,
  knex: connection,
  types: [
    defineRecordType('task', {
      table: 'tasks',
      fields: { project_id: z.int(), title: z.string().min(1), done: z.boolean().default(false) },
    }),
  ],
  authenticate: ({ headers }) =>
    /alice/.test(headers.authorization ?? '') ? { id: 'alice', name: 'Alice', tenantId: 'acme' } : null,
})
const server = createServer(express().use('/api/v1', records.router))
records.attach(server)
await records.start()
server.listen(Number(PORT), '127.0.0.1')

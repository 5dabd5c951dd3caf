// A request that was born with the app's prototype is as small as Node's own, for as long as its socket keeps it.
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import express from 'express'
import { createAppServer } from 'noclobber/server'
import { Server } from 'socket.io'
import { expect, test } from 'vitest'
import { clientOf } from '../../support/app-socket.ts'
import { atEnd } from '../../support/at-end.ts'

setFlagsFromString('--allow-natives-syntax')
const isCompact: (object: object) => boolean = runInNewContext('(object) => %HasFastProperties(object)')

test('keeps a handshake’s request compact', async () => {
  const server = createAppServer(express())
  const io = new Server(server)
  atEnd(() => io.close())
  const compact: boolean[] = []
  io.on('connection', ({ request }) => compact.push(isCompact(request)))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  for (let count = 0; count < 3; count += 1) {
    const client = clientOf(origin)
    atEnd(() => client.disconnect())
    await new Promise((resolve) => client.connect().once('connect', () => resolve(null)))
  }
  expect(compact).toEqual([true, true, true])
})

// Which of Socket.IO's adapters lead to other nodes, as their classes are, whatever a minifier calls them.
import { createAdapter as redisAdapter } from '@socket.io/redis-adapter'
import { Server } from 'socket.io'
import { Adapter, ClusterAdapter, SessionAwareAdapter } from 'socket.io-adapter'
import { expect, onTestFinished, test } from 'vitest'
import { isOfOneNode } from '../../../server/cluster/node-line.ts'

/** As a minifier does. */
const rename = (adapter: typeof Adapter, value: string) => {
  const before = adapter.name
  Object.defineProperty(adapter, 'name', { value, configurable: true })
  onTestFinished(() => void Object.defineProperty(adapter, 'name', { value: before, configurable: true }))
}

test('a server has one node with the adapters of Socket.IO itself, in a minified bundle too', () => {
  rename(Adapter, 'e')
  rename(SessionAwareAdapter, 't')
  expect(isOfOneNode(new Server())).toBe(true)
  expect(isOfOneNode(new Server({ connectionStateRecovery: {} }))).toBe(true)
})

test('other adapters lead to other nodes: those of clusters and Redis, and one that an app wrote', () => {
  class Queue extends Adapter {}
  class Cluster extends ClusterAdapter {
    // Socket.IO's type of an adapter has a public constructor.
    constructor(namespace: unknown) {
      super(namespace)
    }
    protected doPublish = async () => ''
    protected doPublishResponse = async () => {}
  }
  const client = { subscribe() {}, psubscribe() {}, on() {}, duplicate() {} }
  for (const adapter of [Queue, Cluster, redisAdapter(client, client)])
    expect(isOfOneNode(new Server({ adapter }))).toBe(false)
})

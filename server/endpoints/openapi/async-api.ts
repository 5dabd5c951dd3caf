// GET /asyncapi.json: the messages of the sockets as an AsyncAPI 3.0 document. It names no type and no field of the app's, so it is
// the same for everybody who is signed in.
// Invariant: each message of the protocol is in it, which the compiler checks; the server's tests hold real messages to it.
import type { Router } from 'router'
import { sendData } from '../../http/responses.ts'
import { handle } from '../../http/route-handler.ts'
import { type ClientMessages, MAX_ROOMS, type ServerEvents } from '../../protocol/index.ts'
import type { Part } from './paths.ts'
import { listOf, object, ref, type Schema, text, WIRE_SCHEMAS } from './schemas.ts'

const scope: Schema = { type: 'object', additionalProperties: text, maxProperties: 1 }
const address = { type: text, id: text }
const nothing: Schema = { type: 'object', maxProperties: 0 }
const word: Schema = { enum: ['ask', 'handed_over', 'not_now'] }
const record = object({ ...address, 'version?': { type: 'integer' } })
const list = object({ type: text, 'scope?': scope, 'cursor?': text })
const watching = object({
  'records?': { ...listOf(record), maxItems: MAX_ROOMS },
  'lists?': { ...listOf(list), maxItems: MAX_ROOMS },
})

/** What a client sends, and the acknowledgement. */
const SENT: Record<keyof ClientMessages, { summary: string; payload: Schema; answer: Schema }> = {
  watch: {
    summary:
      'Joins the rooms of records and lists, then reads where they stand. Again, whole, after each reconnect.',
    payload: watching,
    answer: ref('WatchingEvent'),
  },
  unwatch: {
    summary: 'Leaves rooms.',
    payload: watching,
    answer: object({ records: listOf(nothing), lists: listOf(nothing) }),
  },
  presence: {
    summary: 'What this tab does at a record. Again every 15 s.',
    payload: object({
      ...address,
      state: { enum: ['viewing', 'editing', 'idle', null] },
      'field?': { type: ['string', 'null'] },
      'unsaved?': { type: 'boolean' },
    }),
    answer: object({ ok: { const: true }, people: listOf(ref('PresentPerson')) }),
  },
  take_over: {
    summary: 'Asks another person to hand a record over, or answers.',
    payload: object({ ...address, to: text, say: word }),
    answer: object({ ok: { const: true } }),
  },
}

/** What the server sends. `null`: no payload. */
const RECEIVED: Record<keyof ServerEvents, { summary: string; payload: Schema | null }> = {
  RecordCreated: { summary: 'A record was made.', payload: ref('RecordEvent') },
  RecordUpdated: { summary: 'A record has a new version.', payload: ref('RecordEvent') },
  RecordDeleted: { summary: 'A record was deleted.', payload: ref('RecordEvent') },
  RecordsImported: { summary: 'Many records of a list changed at once.', payload: ref('ImportEvent') },
  RecordsImporting: { summary: 'How far an import is.', payload: ref('ImportingEvent') },
  ProposalCreated: { summary: 'Something was proposed for a record.', payload: ref('ProposalEvent') },
  ProposalDecided: { summary: 'A proposal was accepted or rejected.', payload: ref('ProposalEvent') },
  PresenceChanged: { summary: 'Who is at a record now.', payload: ref('PresenceEvent') },
  TakeOver: {
    summary: 'Another person asks to take over, or answers.',
    payload: object({ ...address, from: object({ id: text, name: text }), say: word }),
  },
  AccessRevoked: { summary: 'These rooms were left.', payload: ref('RevokedEvent') },
  SpreadChanged: {
    summary: 'Over how long to come back, should the connection be lost.',
    payload: object({ spread_ms: { type: 'integer', minimum: 0 } }),
  },
  Heartbeat: { summary: 'How far the node has read the log.', payload: ref('Age') },
  Resync: { summary: 'The server cannot prove that nothing was missed: watch again.', payload: null },
}

const named = (names: Record<string, unknown>, path: string): Part[] =>
  Object.keys(names).map((name) => ({ $ref: `${path}/${name}` }))

const MESSAGES = '#/components/messages'

const asyncApiDocument: Part = {
  asyncapi: '3.0.0',
  info: {
    title: 'Records',
    version: '1',
    description:
      'Socket.IO, default namespace. Signed in as HTTP is, or by `auth.token`; `auth.tab_id` names the page. ' +
      'Each message of a client is acknowledged, a refused one by `{ok: false, code, detail}`.',
  },
  channels: {
    socket: {
      address: '/',
      messages: Object.fromEntries(
        [...Object.keys(SENT), ...Object.keys(RECEIVED)].map((name) => [
          name,
          { $ref: `${MESSAGES}/${name}` },
        ]),
      ),
    },
  },
  operations: {
    ...Object.fromEntries(
      Object.entries(SENT).map(([name, { summary }]) => [
        name,
        {
          action: 'receive',
          summary,
          channel: { $ref: '#/channels/socket' },
          messages: [{ $ref: `#/channels/socket/messages/${name}` }],
        },
      ]),
    ),
    events: {
      action: 'send',
      summary: 'What the server sends.',
      channel: { $ref: '#/channels/socket' },
      messages: named(RECEIVED, '#/channels/socket/messages'),
    },
  },
  components: {
    messages: {
      ...Object.fromEntries(
        Object.entries(SENT).map(([name, { summary, payload, answer }]) => [
          name,
          { name, summary, payload, 'x-ack': { oneOf: [answer, ref('RefusedMessage')] } },
        ]),
      ),
      ...Object.fromEntries(
        Object.entries(RECEIVED).map(([name, { summary, payload }]) => [
          name,
          { name, summary, ...(payload && { payload }) },
        ]),
      ),
    },
    schemas: {
      ...WIRE_SCHEMAS,
      RefusedMessage: object({ ok: { const: false }, code: text, detail: text }),
    },
  },
}

/** Stands behind {@link admit}. */
export const addAsyncApiRoute = (router: Router): void => {
  router.get(
    '/asyncapi.json',
    handle(async (_request, response) => sendData(response, asyncApiDocument)),
  )
}

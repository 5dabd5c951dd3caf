// The paths of the OpenAPI document that have to do with events: the stream, who is at a record, and how much has changed.

import { HEADERS } from '../../protocol/index.ts'
import { query } from './list-parameters.ts'
import { body, COMMON, data, header, ID, json, type Part, refused } from './paths.ts'
import { age, listOf, object, ref, text } from './schemas.ts'

const many = { style: 'form', explode: true }

const OF_TAB = [{ ...header(HEADERS.tabId, 'The tab that is there.'), required: true }]

const LIVE_REFUSALS = {
  ...COMMON,
  403: refused('Live events are off, or the request comes from another site.'),
  413: refused('Too large.'),
}

/** The paths of the presence at a record of a type; `name` is that of its schema. */
export const presencePath = (type: string, name: string): Part => ({
  [`/records/${type}/{id}/presence`]: {
    parameters: [ID],
    post: {
      operationId: `presence${name}`,
      summary: 'What this tab does at the record, for tabs without a socket; again every 15 s.',
      parameters: OF_TAB,
      requestBody: body(
        object({
          state: { enum: ['viewing', 'editing', 'idle', null] },
          'field?': { type: ['string', 'null'] },
          'unsaved?': { type: 'boolean' },
        }),
      ),
      responses: {
        200: json(data(object({ people: listOf(ref('PresentPerson')) }))),
        ...LIVE_REFUSALS,
      },
    },
  },
  [`/records/${type}/{id}/take-over`]: {
    parameters: [ID],
    post: {
      operationId: `takeOver${name}`,
      summary: 'What a tab without a socket says to a person who edits the record, or has asked for it.',
      parameters: OF_TAB,
      requestBody: body(object({ to: text, say: { enum: ['ask', 'handed_over', 'not_now'] } })),
      responses: {
        204: { description: 'Passed on.' },
        ...LIVE_REFUSALS,
        403: refused('The asker may not change the record, or live events are off.'),
      },
    },
  },
})

/** The path of the event stream. */
export const STREAM_PATH: Part = {
  '/events': {
    get: {
      operationId: 'events',
      summary: 'Events as they happen, as Server-Sent Events.',
      description:
        'The first event is `Watching` (WatchingEvent). Then `RecordCreated`, `RecordUpdated`, `RecordDeleted` ' +
        '(RecordEvent), `RecordsImported` (ImportEvent), `RecordsImporting` (ImportingEvent), `ProposalCreated`, `ProposalDecided` (ProposalEvent), `AccessRevoked` (RevokedEvent), ' +
        '`PresenceChanged` (PresenceEvent), `TakeOver` (`{type, id, from: {id, name}, say}`), `SpreadChanged` (`{spread_ms}`), `heartbeat` (Age) and `Resync` (`{}`). ' +
        'Without parameters nothing is watched: the stream says how far the node has read the log.',
      parameters: [
        query('record', '`project:1`, any number of them.', listOf(text), many),
        query('list', '`task` or `task:project_id=1`, any number of them.', listOf(text), many),
        query(
          'list_cursor',
          'The n-th is where the n-th list stands; it is then said to be behind.',
          listOf(text),
          many,
        ),
        query('cursor', 'An id of the stream: goes on after it. `Last-Event-ID` goes before.'),
        header('Last-Event-ID', 'The last id that was seen.'),
        header(
          HEADERS.tabId,
          'The tab that reads it. Each event names the tab that wrote to that tab’s own person alone.',
        ),
      ],
      responses: {
        200: { description: 'The stream.', content: { 'text/event-stream': { schema: text } } },
        ...COMMON,
        403: refused('Live events are off, or the request comes from another site.'),
      },
    },
  },
}

const counted = object({
  since: { ...listOf(object({ type: text, 'cursor?': text })), maxItems: 50 },
  'most?': { type: 'integer', minimum: 1, maximum: 1_000 },
})

/** How much has changed. */
export const COUNT_PATH: Part = {
  '/changes/count': {
    post: {
      operationId: 'countChanges',
      summary:
        'How many records of some types others have changed since a cursor, as far as one may read them.',
      requestBody: body(counted),
      responses: { 200: json(data(listOf(ref('ChangedCount')), age)), ...COMMON },
    },
  },
}

// What an event stream watches, as the query of its address, and the first answers about it.

import type {
  ListAddress,
  RecordAddress,
  WatchAnswer,
  WatchedList,
  WatchedRecord,
  WatchMessage,
} from '../../../server/protocol/index.ts'
import { listKey, recordKey } from './subscriptions.ts'

/** The longest query that servers and proxies accept by default. What doesn't fit is polled. */
const LONGEST_QUERY = 6000

export const keysOf = ({ records = [], lists = [] }: WatchMessage): string[] => [
  ...records.map(recordKey),
  ...lists.map(({ type, scope }) => listKey(type, scope)),
]

/** The part of the query for each watched record and list. */
export function createWatchedQuery() {
  const parts = new Map<string, string>()

  function add(key: string, part: string) {
    const length = [...parts.values()].reduce((sum, each) => sum + each.length + 1, 0)
    if (length + part.length < LONGEST_QUERY) parts.set(key, part)
  }

  return {
    add({ records = [], lists = [] }: WatchMessage) {
      for (const record of records) add(recordKey(record), recordPart(record))
      for (const list of lists) add(listKey(list.type, list.scope), listPart(list))
    },
    delete: (key: string) => void parts.delete(key),
    /** With the cursors of these lists. */
    text: (lists: (ListAddress & { cursor?: string })[] = []) =>
      [...parts.values(), ...cursorParts(parts, lists)].join('&'),
  }
}

const recordPart = ({ type, id }: RecordAddress) => `record=${encodeURIComponent(`${type}:${id}`)}`

function listPart({ type, scope = {} }: ListAddress) {
  const [[column, value] = []] = Object.entries(scope)
  return `list=${encodeURIComponent(column === undefined ? type : `${type}:${column}=${value}`)}`
}

/** The lists' own cursors, in the order of the lists in the query; lists without a new cursor have an empty one. */
function cursorParts(parts: Map<string, string>, asked: (ListAddress & { cursor?: string })[]) {
  const cursors = new Map(asked.map(({ type, scope, cursor }) => [listKey(type, scope), cursor ?? '']))
  if (![...cursors.values()].some(Boolean)) return []
  const lists = [...parts].filter(([, part]) => part.startsWith('list='))
  return lists.map(([key]) => `list_cursor=${encodeURIComponent(cursors.get(key) ?? '')}`)
}

/** The answers with which a stream begins, each until it is taken. */
export function createFirstAnswers() {
  const records = new Map<string, WatchedRecord>()
  const lists = new Map<string, WatchedList>()

  function clear() {
    records.clear()
    lists.clear()
  }

  return {
    clear,
    replace(answer: WatchAnswer) {
      clear()
      for (const record of answer.records) records.set(recordKey(record), record)
      for (const list of answer.lists) lists.set(listKey(list.type, list.scope), list)
    },
    has: (key: string) => records.has(key) || lists.has(key),
    delete(key: string) {
      records.delete(key)
      lists.delete(key)
    },
    /** The answers to this message, which are gone then; what isn't watched is refused. */
    take(message: WatchMessage): WatchAnswer {
      const refused = { ok: false, code: 'rate_limited' } as const
      const answer: WatchAnswer = {
        records: (message.records ?? []).map(
          ({ type, id }) => records.get(recordKey({ type, id })) ?? { type, id, ...refused },
        ),
        lists: (message.lists ?? []).map(
          ({ type, scope = {} }) => lists.get(listKey(type, scope)) ?? { type, scope, ...refused },
        ),
      }
      for (const key of keysOf(message)) this.delete(key)
      return answer
    },
  }
}

// What the parts of this door need of an editor, their words, and what they call a record.

import type { Fields, WireRecord } from '../../../server/protocol/index.ts'
import { englishHistoryMessages, type HistoryMessages } from '../../client/words/history-messages.ts'
import type { Messages, Words } from '../../client/words/messages.ts'

/** The part of an editor that is used: what `useRecordEditor` gives. */
export interface HistoryEditor {
  /** The record type's name. */
  type: string
  /** Empty while it is new. */
  id: string
  /** The version that is shown. */
  record: WireRecord<object> | null
  /** A newer one that is not shown. */
  newer: { version: number } | null
  /** Its own labels and formats. */
  words: Words
}

/** The texts of this door: English, with those of `<LiveProvider messages={{ history: … }}>` in their places. */
export const historyTexts = ({ messages }: Words): HistoryMessages => ({
  ...englishHistoryMessages,
  ...(messages as Messages & { history?: Partial<HistoryMessages> }).history,
})

/** What a record is called where its app doesn't say: the first of its fields that is a text, or its id. */
export const firstText = ({ id, fields }: WireRecord<Fields>): string =>
  Object.values(fields).find((value): value is string => typeof value === 'string' && value.trim() !== '') ??
  id

// What the parts of this door need of an editor, and their words.

import type { WireRecord } from '../../../server/protocol/index.ts'
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

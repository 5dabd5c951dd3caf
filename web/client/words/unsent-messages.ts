// The words of edits that wait on this device, a part of messages.ts.

type Plural = { other: string } & Partial<Record<'zero' | 'one' | 'two' | 'few' | 'many', string>>

export const englishUnsentMessages = {
  title: 'Unsent changes',
  none: 'Everything is saved.',
  waiting: 'Waiting for the server',
  sending: 'Being sent',
  conflict: 'Changed by others: open it to review',
  gone: 'Deleted: open it to copy your edits',
  forbidden: 'You may no longer see it: copy or discard your edits',
  refused: 'Refused: {detail}',
  typed: 'Not saved yet',
  removal: 'Delete',
  creation: 'New',
  /** It belongs to a new record that is not on the server. */
  waitsForParent: 'Waits for the new record that it belongs to',
  waitsForRefused: 'Waits: the record that it belongs to was refused. Correct that one first.',
  waitsForGone: 'The record that it belongs to was discarded: restore that one, or discard this.',
  bulk: { one: '{done} of {count} record answered', other: '{done} of {count} records answered' } as Plural,
  bulkLeft: {
    one: '{count} record could not be saved',
    other: '{count} records could not be saved',
  } as Plural,
  /** A row of a list. */
  rowCreated: 'Not sent yet',
  rowChanged: 'Changes not sent yet',
  rowRemoved: 'Deletion not sent yet',
  rowRefused: 'Not saved: it needs you',
  discarded: 'Discarded',
  /** Said once it was done. */
  isDiscarded: 'The changes are discarded. You can undo that.',
  isBack: 'The changes are back.',
  full: 'This device has no room left: what you type now is kept in this tab alone.',
  barred: 'This browser keeps nothing: what you type is kept in this tab alone.',
  count: { one: '{count} unsent change', other: '{count} unsent changes' } as Plural,
}

// The words of live lists and of editing in them, a part of messages.ts.

type Plural = { other: string } & Partial<Record<'zero' | 'one' | 'two' | 'few' | 'many', string>>

export const englishListMessages = {
  waiting: { one: '{count} change waiting', other: '{count} changes waiting' } as Plural,
  /** Where nobody has said how many. */
  waitingSome: 'Changes waiting',
  imported: {
    one: '{count} record was changed at once',
    other: '{count} records were changed at once',
  } as Plural,
  reload: 'Reload now',
  keepEditing: 'Keep editing',
  stale: 'This list may be out of date.',
  failedUnreachable: 'Not loaded: no answer from the server.',
  failedSignedOut: 'Not loaded: you are signed out.',
  failedRefused: 'Not loaded: the server refuses this list.',
  cut: 'Only the first {count} are shown.',
  cellStale: '{who} changed this record: {fields}.',
  cellStaleSome: '{who} changed this record.',
  cellNotSaved: 'Not saved: {detail}',
  cellUnreachable: 'Not saved: no answer from the server.',
  cellSignedOut: 'Not saved: you are signed out.',
  cellGone: 'Not saved: the record is gone.',
  theirs: 'Take theirs',
  mine: 'Keep mine',
  open: 'Open the record',
}

// The words of `<ConnectionPill>`, which no other part needs.

export const englishConnectionMessages = {
  live: 'Live',
  behind: 'Behind',
  connecting: 'Connecting',
  reconnecting: 'Reconnecting',
  polling: 'Polling',
  offline: 'Offline',
  signed_out: 'Signed out',
  upToDate: 'Changes arrive as they happen.',
  late: 'The server is late in reading what others change. What is shown holds as of {time}.',
  lastChecked: 'May be out of date, last checked {time}.',
  neverChecked: 'May be out of date.',
  asOf: 'up to date as of {time}',
  checkedOnSave: 'Whether somebody else has changed something is checked when you save.',
}

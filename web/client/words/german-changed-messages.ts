// The words of `<ChangedBadge>` in German: `messages={{ ...germanMessages, changed: germanChangedMessages }}`.

import type { ChangedMessages } from './changed-messages.ts'

/** The texts of `<ChangedBadge>` in German. */
export const germanChangedMessages: ChangedMessages = {
  count: {
    one: '{count} Änderung, seit Sie zuletzt hingesehen haben',
    other: '{count} Änderungen, seit Sie zuletzt hingesehen haben',
  },
  more: 'Mehr als {count} Änderungen, seit Sie zuletzt hingesehen haben',
  some: 'Wie viel sich geändert hat, seit Sie zuletzt hingesehen haben, ist nicht bekannt',
}

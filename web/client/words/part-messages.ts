// The words of parts that not every page has: each part brings its own English ones, and the app's are put over them.

import { englishChangedMessages } from './changed-messages.ts'
import { englishConnectionMessages } from './connection-messages.ts'
import { englishListMessages } from './list-messages.ts'
import { englishLostMessages } from './lost-messages.ts'
import { englishPresenceMessages, englishTakeOverMessages } from './presence-messages.ts'
import { englishUnsentMessages } from './unsent-messages.ts'

/** The texts in English of the parts beside forms; with `englishMessages` all that can be translated, but for `noclobber/history`. */
export const englishPartMessages = {
  /** Of `<ConnectionPill>`. */
  connection: englishConnectionMessages,
  /** Of `<PresenceBar>` and `<FieldPresence>`. */
  presence: englishPresenceMessages,
  /** Of `<TakeOverBar>`. */
  takeOver: englishTakeOverMessages,
  /** Of `<UnsentChanges>` and `<UnsentMark>`. */
  unsent: englishUnsentMessages,
  /** Live lists, and editing in them. */
  list: englishListMessages,
  /** Of `<LostSaves>`. */
  lost: englishLostMessages,
  /** Of `<ChangedBadge>`. */
  changed: englishChangedMessages,
}

/** All of them. */
export type PartMessages = typeof englishPartMessages

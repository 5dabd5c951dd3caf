// The words of `<ChangedBadge>`, which no other page needs.

type Plural = { other: string } & Partial<Record<'zero' | 'one' | 'two' | 'few' | 'many', string>>

/** The texts of `<ChangedBadge>` in English. */
export const englishChangedMessages = {
  count: {
    one: '{count} changed since you last looked',
    other: '{count} changed since you last looked',
  } as Plural,
  /** There are more than are counted. */
  more: 'More than {count} changed since you last looked',
  /** How many is not known. */
  some: 'How many changed since you last looked is not known',
}

/** All of them. */
export type ChangedMessages = typeof englishChangedMessages

// Every word that a person may read, as data: translating the toolkit is handing in another object of this shape.
// Placeholders are named, `{who}`; a plural is an object by the categories of Intl.PluralRules.

import type { Problem, ProblemCode, Writer } from '../../../server/protocol/index.ts'
import { DECEPTIVE_CHARACTERS } from '../../../server/protocol/index.ts'
import { localeOf } from '../base/locale.ts'
import { plainText } from '../base/received.ts'
import type { HistoryMessages } from './history-messages.ts'
import type { PartMessages } from './part-messages.ts'

/** A sentence for each plural category of the language; `other` is what the rest falls back to. */
export type Plural = { other: string } & Partial<Record<'zero' | 'one' | 'two' | 'few' | 'many', string>>

/** The texts in English of forms and their banners; placeholders are named. Those of other parts come with them: `englishPartMessages`. */
export const englishMessages = {
  /** Who wrote it, as it stands after "Updated" and "Deleted". */
  who: {
    user: 'by {name}',
    import: 'by import ‘{name}’',
    service: 'by {name}',
    agent: 'by {name}',
    database: 'outside the app ({name})',
    unknown: 'by someone',
  },
  /** Who wrote it, as it stands at the start of a sentence. */
  whoSaved: {
    user: '{name}',
    import: 'Import ‘{name}’',
    service: '{name}',
    agent: '{name}',
    database: 'Someone outside the app ({name})',
    unknown: 'Someone',
  },
  onBehalf: '{name}, for {person}',
  banner: {
    updated: 'Updated {who} {time}.',
    updatedFields: 'Updated {who} {time}: {fields}.',
    noOverlap: 'Your edits don’t overlap.',
    overlap: 'Updated {who} {time}. You both changed: {fields}.',
    otherTab: 'You saved this record in another tab.',
    loaded: 'Loaded version {version}.',
    saved: 'Saved, version {version}.',
    savedTogether: 'Saved together with {who}’s change of {fields}.',
    savedTogetherBy: 'Saved together with a change of {fields} {who}.',
    savedTogetherOthers: 'Saved together with other people’s changes of {fields}.',
    available: 'Version {version} available',
    merged: 'Your edits are on version {version} now. Save when you are ready.',
    recalled: 'Your unsaved edits from before are back.',
    keptRecalled: 'You have unsaved edits from before.',
    keptResolved: 'Edits that you decided against are set aside.',
    keptReloaded: 'Loaded version {version}. Your unsaved edits are kept.',
    keptReverted: 'Your unsaved edits are set aside.',
    proposed: 'Your changes are proposed.',
    restored: 'The server was restored. This is the record as it is now.',
    restoredTyped: 'The server was restored. Your unsaved edits are kept.',
    restoredLost: 'The server was restored. Your saved change to {fields} from {clock} was lost.',
    creationLost: 'The server was restored. The record that you created at {clock} was lost.',
    keptAccess: 'You have access again. Your unsaved edits are kept.',
    deleted: 'Deleted {who}.',
    deletedOwn: 'You deleted this record.',
    deletedDirty: 'Deleted {who}. You can copy your edits, but not save them here.',
    forbidden: 'This record does not exist, or you may not see it.',
    forbiddenDirty:
      'You no longer have access to this record. You can copy your edits, but not save them here.',
    signedOut: 'You are signed out. Sign in again to go on.',
    signedOutDirty: 'You are signed out. Sign in again to save; your edits are kept.',
    notLoaded: 'The server can’t be reached. What you see may be out of date.',
    notSaved: 'Not saved: no answer from the server. Your edits are kept.',
    notSent:
      'Not sent yet: no answer from the server. Your edits are kept on this device and sent by themselves.',
    notAllowed: 'Not saved: you may read this record, but not change it. Your edits are kept.',
    failed: 'Not saved: {detail} Your edits are kept.',
    failedLoad: 'Not loaded: {detail}',
    keys: 'F8 goes to the buttons of this message, and back.',
    notCopied: 'Not copied: the browser doesn’t allow it. Copy your text from its fields.',
  },
  conflict: {
    title: 'Not saved',
    sentence: 'Not saved: {who} saved version {version} while you were editing. Nothing of yours is lost.',
    sentenceRemoval: 'Not deleted: {who} saved version {version} meanwhile.',
    sentenceOwn: 'Not saved: you saved version {version} in another tab meanwhile. Nothing of yours is lost.',
    reviewTitle: 'Review changes',
    review: '{who} saved version {version} while you were editing.',
    reviewOwn: 'You saved version {version} in another tab.',
    loading: 'The newest version is being loaded…',
    both: 'Both',
    undecided: 'Choose for: {fields}.',
    oneSided: {
      one: '{count} field that one side changed',
      other: '{count} fields that one side changed',
    } as Plural,
    skipped: '{count} characters unchanged',
    original: 'Original',
    theirs: 'Theirs',
    mine: 'Mine',
    nothing: 'empty',
    allMine: 'All mine',
    allTheirs: 'All theirs',
    byPart: 'By part',
    part: 'Part {number} of {count}',
    result: 'Result',
    reloadFailed: 'The latest version could not be loaded. Nothing has changed here; try again.',
  },
  buttons: {
    merge: 'Merge',
    review: 'Review changes',
    reload: 'Reload latest',
    dismiss: 'Dismiss',
    restore: 'Restore my edits',
    restoreLost: 'Restore my edit',
    retry: 'Try again',
    copy: 'Copy my edits',
    recreate: 'Create it anew',
    resolve: 'Save this',
    discard: 'Discard',
    undo: 'Undo',
    open: 'Open',
    close: 'Close',
  },
  time: {
    now: 'just now',
    seconds: '{count} s ago',
    minutes: '{count} min ago',
    hours: '{count} h ago',
    days: { one: '{count} day ago', other: '{count} days ago' } as Plural,
  },
  /** After the first fields of a long list. */
  moreFields: { one: 'and {count} more field', other: 'and {count} more fields' } as Plural,
  /** What is typed into a field for a number, and is none. */
  notANumber: 'This is not a number.',
  /** What is typed into a field for a day or a time, and is none yet. */
  notADate: 'This is not a whole date.',
  yes: 'yes',
  no: 'no',
  /** What the server's refusals say, by their code; where there is none, the server's own sentence stands. */
  problems: {} as Partial<Record<ProblemCode, string>>,
  /** What a field is called where its name in words will not do: `{ due_on: 'Deadline' }`. */
  fields: {} as Record<string, string>,
}

/** The texts that every page has. */
export type Messages = typeof englishMessages

/** A part of the texts; what is left out stays English. */
export type MessagesPatch = {
  [Group in keyof Messages]?: Messages[Group] extends string ? string : Partial<Messages[Group]>
} & {
  [Part in keyof PartMessages]?: Partial<PartMessages[Part]>
} & {
  /** Of `noclobber/history`. */
  history?: Partial<HistoryMessages>
}

/** A field's value as people know it, "1,540,000 €" for 1540000; `null` or nothing for the usual text. */
export type FormatValue = (field: string, value: unknown) => string | null | undefined

/** The texts and the language that numbers, times and plurals follow. */
export interface Words {
  /** Each text, with `{name}` where something is put in. */
  messages: Messages
  /** A BCP 47 tag. */
  locale: string
  /** The app's own way to write a value. */
  formatValue?: FormatValue | undefined
}

/** English, with the given texts in their places. */
export function createWords(patch: MessagesPatch = {}, locale = 'en', formatValue?: FormatValue): Words {
  const messages: Record<string, unknown> = { ...englishMessages }
  for (const [group, texts] of Object.entries(patch)) {
    const isFlat = typeof texts === 'string' || group === 'moreFields'
    messages[group] = isFlat ? texts : { ...(messages[group] as object), ...(texts as object) }
  }
  return { messages: messages as Messages, locale: localeOf(locale), formatValue }
}

/** The texts of a part, which no page without it loads: its English ones, with the app's in their places. */
export const textsOf = <Part extends keyof PartMessages>(
  { messages }: Words,
  part: Part,
  english: PartMessages[Part],
): PartMessages[Part] => ({ ...english, ...(messages as MessagesPatch)[part] })

/** The same words with other labels and another way to show values: for one editor. */
export const wordsWith = (
  words: Words,
  labels: Record<string, string> = {},
  formatValue?: FormatValue,
): Words => ({
  ...words,
  messages: { ...words.messages, fields: { ...words.messages.fields, ...labels } },
  formatValue: formatValue ?? words.formatValue,
})

/** What a refusal says: in the page's language where it has a sentence for the code. */
export const problemText = (
  { code, detail }: Pick<Problem, 'detail'> & { code?: ProblemCode | undefined },
  { messages }: Words,
): string => (code && messages.problems[code]) ?? detail

const RIGHT_TO_LEFT = /[\p{sc=Arab}\p{sc=Hebr}\p{sc=Syrc}\p{sc=Thaa}\p{sc=Nkoo}\p{sc=Adlm}]/u

/**
 * Puts values in the places of a text's placeholders; an unknown placeholder stays as it is. A value turns nothing around
 * it: what deceives is left out, and where either runs from right to left it is isolated (UAX #9).
 */
export function fill(text: string, values: Record<string, string | number>): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = Object.hasOwn(values, name) ? values[name] : undefined
    if (typeof value !== 'string') return value === undefined ? whole : String(value)
    const plain = value.replace(DECEPTIVE_IN_VALUES, '')
    const isIsolated = ISOLATED.test(plain) || !(RIGHT_TO_LEFT.test(plain) || RIGHT_TO_LEFT.test(text))
    return isIsolated ? plain : `\u2068${plain}\u2069`
  })
}

/** A part that was filled before is isolated already. */
const ISOLATED = /\u2068[^\u2069]*\u2069/
const DECEPTIVE_IN_VALUES = new RegExp(`(?![\\u2068\\u2069])${DECEPTIVE_CHARACTERS.source}`, 'gu')

/** The sentence that a number asks for in this language. */
export function fillPlural(plural: Plural, count: number, locale: string): string {
  const category = new Intl.PluralRules(locale).select(count)
  return fill(plural[category] ?? plural.other, { count: count.toLocaleString(locale) })
}

/** A field's name in words: its text in `messages.fields`, or "Due on" for `due_on` and `dueOn`. */
export function labelOf(field: string, { messages }: Words): string {
  const named = Object.hasOwn(messages.fields, field) ? messages.fields[field] : undefined
  const plain = field
    .replaceAll('_', ' ')
    .replace(/(\p{Ll}|\d)(\p{Lu})(?=(\p{Lu})?)/gu, (_, before: string, first: string, next?: string) =>
      next === undefined ? `${before} ${first.toLowerCase()}` : `${before} ${first}`,
    )
    .trim()
  return named ?? plain.charAt(0).toUpperCase() + plain.slice(1)
}

/** "Name, Status", the first three of many. */
export function listFields(fields: readonly string[], words: Words): string {
  const shown = fields.length > 4 ? fields.slice(0, 3) : fields
  const rest = fields.length - shown.length
  const names = shown.map((field) => labelOf(field, words))
  return rest > 0
    ? `${names.join(', ')} ${fillPlural(words.messages.moreFields, rest, words.locale)}`
    : new Intl.ListFormat(words.locale, { type: 'unit', style: 'short' }).format(names)
}

/** "Bob", "Claude, for Alice". */
export const personName = (by: Omit<Writer, 'id' | 'kind'>, { messages }: Words): string => {
  const person = by.on_behalf_of?.name
  return person ? fill(messages.onBehalf, { name: by.name, person }) : plainText(by.name)
}

/** "by Bob", "outside the app (postgres)"; `start` for the beginning of a sentence. */
export function whoWrote(by: Writer | null, words: Words, place: 'after' | 'start' = 'after'): string {
  const texts = words.messages[place === 'start' ? 'whoSaved' : 'who']
  return by ? fill(texts[by.kind], { name: personName(by, words) }) : texts.unknown
}

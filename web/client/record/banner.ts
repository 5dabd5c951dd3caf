// The banner as data: a pure function of the record's state, so that any design system can show it. It shows one topic at
// a time, and none while a conflict has its own dialog.

import type { Writer } from '../../../server/protocol/index.ts'
import { hasField, isEmpty } from '../base/values.ts'
import { fill, listFields, problemText, type Words, whoWrote } from '../words/messages.ts'
import { clockTime, timeAgo } from '../words/time-ago.ts'
import { undoOf } from './edit-transitions.ts'
import { newerFields } from './remote-versions.ts'
import { type MergedWith, type RecordState, topicOf } from './state.ts'

/** What a button of the banner does; each is a function of the same name on the editor, `retry` saves or loads again. */
export type BannerAction =
  | 'merge'
  | 'review'
  | 'reload'
  | 'dismiss'
  | 'restore'
  | 'retry'
  | 'copy'
  | 'recreate'
  | 'undo'

/** Optional abilities of the page. */
export interface BannerOptions {
  /** A deleted record, or one that the server lost, can be recreated from what is typed. */
  mayRecreate?: boolean
}

/** A piece of the sentence; a time keeps counting where it is shown. */
export type BannerPart = { kind: 'text'; text: string } | { kind: 'time'; text: string; at: number }

/** One line: what happened, and at most three buttons, the safest first. */
export interface Banner {
  /** Differs when the line is about something else. */
  key: string
  /** `info`: for your information; `warning`: act before you go on; `refusal`: this can't be done here. */
  tone: 'info' | 'warning' | 'refusal'
  /** The sentence, in pieces: texts, and times that keep counting. */
  parts: BannerPart[]
  /** Each with the function of the editor that it calls. */
  buttons: { action: BannerAction; label: string }[]
  /** Which of the user's edits others changed too; `null` where the changed fields are unknown. */
  overlap: string[] | null
}

/** The banner for a record, or `null`. `now` in this machine's milliseconds. */
export function bannerFor(
  state: RecordState,
  now: number,
  words: Words,
  { mayRecreate = false }: BannerOptions = {},
): Banner | null {
  const { messages } = words
  const texts = messages.banner
  const isTyped = !isEmpty(state.draft)
  const copy: BannerAction[] = isTyped ? ['copy'] : []
  const line = (
    key: string,
    tone: Banner['tone'],
    text: string,
    actions: BannerAction[],
    more: { values?: Record<string, string | number>; at?: number; overlap?: string[] | null } = {},
  ): Banner => ({
    key,
    tone,
    parts: partsOf(text, more.values ?? {}, more.at ?? null, now, words),
    buttons: actions.map((action) => ({ action, label: messages.buttons[action] })),
    overlap: more.overlap ?? null,
  })

  switch (topicOf(state)) {
    case 'forbidden': {
      const { lostCreation } = state
      if (!lostCreation)
        return line('forbidden', 'refusal', isTyped ? texts.forbiddenDirty : texts.forbidden, copy)
      return line(
        'creation_lost',
        'refusal',
        texts.creationLost,
        isTyped && mayRecreate ? ['copy', 'recreate'] : copy,
        {
          values: { clock: clockTime(lostCreation.at, words.locale) },
        },
      )
    }
    case 'gone': {
      const { deletion } = state
      const text = isTyped ? texts.deletedDirty : deletion?.isOwn ? texts.deletedOwn : texts.deleted
      const actions: BannerAction[] = isTyped && mayRecreate ? ['copy', 'recreate'] : copy
      return line('gone', 'refusal', text, actions, {
        values: { who: whoWrote(deletion?.by ?? null, words) },
      })
    }
    case 'signed_out':
      return line('signed_out', 'warning', isTyped ? texts.signedOutDirty : texts.signedOut, copy)
    case 'trouble':
      return troubleLine(state, line, words)
    case 'newer':
      return newerLine(state, line, words)
    case 'kept':
      return keptLine(state, line, words)
    case 'notice':
      return noticeLine(state, line, words)
    default:
      return null
  }
}

type Line = (
  key: string,
  tone: Banner['tone'],
  text: string,
  actions: BannerAction[],
  more?: { values?: Record<string, string | number>; at?: number; overlap?: string[] | null },
) => Banner

function keptLine({ kept, record }: RecordState, line: Line, words: Words): Banner {
  const texts = words.messages.banner
  const why = {
    reloaded: texts.keptReloaded,
    reverted: texts.keptReverted,
    discarded: texts.keptRecalled,
    access: texts.keptAccess,
    resolved: texts.keptResolved,
    recalled: texts.keptRecalled,
    restored: kept?.lost ? texts.restoredLost : texts.restoredTyped,
  }
  const { lost } = kept ?? {}
  const values = {
    version: record?.version ?? 0,
    fields: listFields(lost?.fields ?? [], words),
    clock: clockTime(lost?.at ?? 0, words.locale),
  }
  const text = why[kept?.why ?? 'reloaded']
  const shown = line(`kept ${values.version}`, 'info', text, ['restore', 'dismiss'], { values })
  if (!lost) return shown
  const labelled = shown.buttons.map((button) =>
    button.action === 'restore' ? { ...button, label: words.messages.buttons.restoreLost } : button,
  )
  return { ...shown, tone: 'warning', buttons: labelled }
}

function noticeLine(state: RecordState, line: Line, words: Words): Banner | null {
  const { notice } = state
  const mayUndo = undoOf(state) !== null
  const texts = words.messages.banner
  if (!notice) return null
  if (notice.kind === 'recalled') return line('recalled', 'info', texts.recalled, [])
  if (notice.kind === 'restored' || notice.kind === 'proposed')
    return line(notice.kind, 'info', texts[notice.kind], [])
  if (notice.kind === 'saved') return savedLine(notice, line, words, mayUndo ? ['undo'] : [])
  if (notice.kind !== 'updated')
    return line(notice.kind, 'info', texts[notice.kind], [], { values: { version: notice.version } })
  const key = `updated ${notice.version}`
  if (notice.isOwn) return line(key, 'info', texts.otherTab, [])
  return line(key, 'info', notice.fields.length > 0 ? texts.updatedFields : texts.updated, [], {
    values: writtenBy(notice.by, notice.fields, words),
    at: notice.at,
  })
}

function savedLine(
  { version, merged }: { version: number; merged: MergedWith | null },
  line: Line,
  words: Words,
  actions: BannerAction[],
): Banner {
  const texts = words.messages.banner
  const key = `saved ${version}`
  if (!merged) return line(key, 'info', texts.saved, actions, { values: { version } })
  const { by, isOne } = merged
  const fields = listFields([...merged.fields], words)
  if (!isOne || !by) return line(key, 'info', texts.savedTogetherOthers, actions, { values: { fields } })
  const isNamed = by.kind !== 'database' && by.kind !== 'import'
  const who = whoWrote(by, words, isNamed ? 'start' : 'after')
  const text = isNamed ? texts.savedTogether : texts.savedTogetherBy
  return line(key, 'info', text, actions, { values: { who, fields } })
}

function newerLine(state: RecordState, line: Line, words: Words): Banner | null {
  const { newer, draft } = state
  if (!newer) return null
  const texts = words.messages.banner
  const changed = newerFields(state)
  const overlap = changed?.filter((field) => hasField(draft, field)) ?? null
  const isOverlapping = overlap !== null && overlap.length > 0
  const text = isOverlapping ? texts.overlap : changed?.length ? texts.updatedFields : texts.updated
  const lead = newer.isOwn && !isOverlapping ? texts.otherTab : text
  const sentence = overlap && !isOverlapping ? `${lead} ${texts.noOverlap}` : lead
  const together: BannerAction[] = overlap === null ? [] : isOverlapping ? ['review'] : ['merge']
  return line(`newer ${newer.version}`, 'warning', sentence, [...together, 'reload', 'dismiss'], {
    values: writtenBy(newer.by, isOverlapping ? overlap : (changed ?? []), words),
    at: newer.at,
    overlap,
  })
}

function troubleLine(state: RecordState, line: Line, words: Words): Banner | null {
  const texts = words.messages.banner
  const { trouble } = state
  const dismiss: BannerAction[] = state.record ? ['dismiss'] : []
  if (trouble?.kind === 'unreachable')
    return trouble.during === 'save'
      ? line('not_saved', 'warning', trouble.isKept ? texts.notSent : texts.notSaved, ['retry', ...dismiss])
      : line('not_loaded', 'warning', texts.notLoaded, ['retry', ...dismiss])
  if (trouble?.kind === 'not_allowed')
    return line('not_allowed', 'refusal', texts.notAllowed, ['copy', 'dismiss'])
  if (trouble?.kind !== 'failed') return null
  const detail = problemText(trouble, words)
  const text = isEmpty(state.draft) ? texts.failedLoad : texts.failed
  return line('failed', 'refusal', text, ['retry', ...dismiss], { values: { detail } })
}

const writtenBy = (by: Writer | null, fields: string[], words: Words) => ({
  who: whoWrote(by, words),
  fields: listFields(fields, words),
})

/** Fills a text; its `{time}` becomes a part of its own. */
function partsOf(
  text: string,
  values: Record<string, string | number>,
  at: number | null,
  now: number,
  words: Words,
): BannerPart[] {
  const [before = '', ...after] = text.split('{time}')
  if (at === null || after.length === 0) return [{ kind: 'text', text: fill(text, values) }]
  return [
    { kind: 'text', text: fill(before, values) },
    { kind: 'time', text: timeAgo(at, now, words), at },
    { kind: 'text', text: fill(after.join(''), values) },
  ]
}

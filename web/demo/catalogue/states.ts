// Every state of every part, as data, by the words of the language that the catalogue speaks.
import type {
  Banner,
  BannerAction,
  ConflictField,
  ConflictView,
  LostSave,
  Messages,
  PresentPerson,
  UnsentEdits,
} from 'noclobber/client'
import type { ChangedBadgeProps, UnsentMarkProps, UnsentSource } from 'noclobber/react'

const fill = (text: string, values: Record<string, string | number>) =>
  text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole))

const FIELDS = 'Name, Status'
const PLACES = { version: 12, fields: FIELDS, clock: '14:05', detail: 'Name: too long.' }

/** All banners, by what they say. */
export const bannersOf = ({ banner, buttons, time, who, whoSaved }: Messages): [string, Banner][] => {
  const places = { ...PLACES, time: fill(time.seconds, { count: 5 }) }
  const bob = fill(who.user, { name: 'Bob' })
  const saved = fill(whoSaved.user, { name: 'Bob' })
  const of = (
    name: keyof Messages['banner'],
    tone: Banner['tone'],
    actions: BannerAction[] = [],
  ): [string, Banner] => [
    name,
    {
      key: name,
      tone,
      parts: [
        {
          kind: 'text',
          text: fill(banner[name], { ...places, who: name.startsWith('savedTogether') ? saved : bob }),
        },
      ],
      buttons: actions.map((action) => ({ action, label: buttons[action] })),
      overlap: null,
    },
  ]
  return [
    of('updatedFields', 'info', ['dismiss']),
    of('overlap', 'warning', ['review', 'reload', 'dismiss']),
    of('updated', 'warning', ['merge', 'review', 'dismiss']),
    of('saved', 'info'),
    of('savedTogether', 'info'),
    of('merged', 'info'),
    of('recalled', 'info', ['dismiss']),
    of('keptReloaded', 'info', ['restore', 'copy', 'dismiss']),
    of('restoredLost', 'warning', ['restore', 'dismiss']),
    of('deletedDirty', 'refusal', ['copy', 'recreate']),
    of('forbiddenDirty', 'refusal', ['copy']),
    of('signedOutDirty', 'refusal', ['copy']),
    of('notSent', 'warning', ['retry', 'copy']),
    of('failed', 'refusal', ['retry', 'copy']),
  ]
}

const TEXT = `The bridge is built of stone, and it was opened in spring by the mayor of the town.
It carries people on foot and on bicycles; carts go over the upper one.`

const row = (field: string, values: Pick<ConflictField, 'original' | 'mine' | 'theirs'>): ConflictField => ({
  of: 'catalogue',
  field,
  label: field,
  ...values,
  isMine: values.mine !== values.original,
  isTheirs: values.theirs !== values.original,
  both: null,
  side: values.mine === values.original ? 'theirs' : values.theirs === values.original ? 'mine' : null,
})

const FIELDS_IN_CONFLICT: ConflictField[] = [
  row('Status', { original: 'planned', mine: 'active', theirs: 'done' }),
  row('Notes', {
    original: TEXT,
    mine: TEXT.replace('stone', 'steel').replace('carts', 'waggons'),
    theirs: TEXT.replace('stone', 'timber').replace('spring', 'summer'),
  }),
  row('Budget', { original: 1000, mine: 1000, theirs: 1200 }),
]

export const conflictsOf = ({ conflict, whoSaved }: Messages): [string, ConflictView][] => {
  const who = fill(whoSaved.user, { name: 'Bob' })
  const base = { version: 12, fields: FIELDS_IN_CONFLICT, isLoading: false, isReloadFailed: false }
  return [
    [
      'refused',
      { ...base, key: 'refused', reason: 'refused', sentence: fill(conflict.sentence, { who, version: 12 }) },
    ],
    [
      'review',
      { ...base, key: 'review', reason: 'review', sentence: fill(conflict.review, { who, version: 12 }) },
    ],
    [
      'loading',
      {
        ...base,
        key: 'loading',
        reason: 'review',
        isLoading: true,
        fields: [],
        sentence: fill(conflict.reviewOwn, { version: 12 }),
      },
    ],
  ]
}

const person = (
  name: string,
  state: PresentPerson['state'],
  more: Partial<PresentPerson> = {},
): PresentPerson => ({
  user: { id: name.toLowerCase(), name },
  state,
  field: null,
  tabs: 1,
  ...more,
})

export const PEOPLE: readonly PresentPerson[] = [
  person('Bob', 'editing', { field: 'name' }),
  person('Vera', 'viewing'),
  person('Omar', 'idle', { unsaved: true }),
  person('منى', 'editing'),
  person('Ada', 'viewing'),
  person('Gina', 'idle'),
]

const edits = (draft: object): UnsentEdits => ({
  base: null,
  draft: { ...draft },
  kept: null,
  unanswered: { kind: 'save', mutationId: 'm', clientVersion: 1, changes: { ...draft } },
  next: null,
})

export const unsentOf = (storage: 'ok' | 'full' | 'barred', isEmpty = false): UnsentSource => {
  const entry = { type: 'project', person: 'alice', tab: 't', at: 0, changedAt: 0 }
  const entries = [
    { ...entry, id: '1', key: '1', edits: edits({ name: 'Harbour bridge' }), trouble: null },
    {
      ...entry,
      id: '2',
      key: '2',
      edits: edits({ status: 'done', notes: 'x' }),
      trouble: { kind: 'conflict' as const },
    },
    {
      ...entry,
      id: '3',
      key: '3',
      edits: edits({ budget: 5 }),
      trouble: { kind: 'refused' as const, detail: 'Budget: too low.' },
    },
  ]
  const discarded = [{ ...entry, id: '4', key: '4', edits: edits({ name: 'Tunnel' }), trouble: null }]
  const request = {
    ...entry,
    key: '5',
    label: 'Close Harbour bridge',
    url: '/projects/1/close',
    method: 'POST',
    headers: {},
    body: null,
    refusal: null,
  }
  const refusal = { status: 409, detail: 'It has open tasks.' }
  const requests = [request, { ...request, key: '6', label: 'Close Tunnel', refusal }]
  const state = isEmpty
    ? { entries: [], discarded: [], requests: [], discardedRequests: [], storage, isSending: false }
    : { entries, discarded, requests, discardedRequests: [], storage, isSending: false }
  return {
    unsent: { get: () => state, subscribe: () => () => {} },
    retry: () => {},
    resend: () => {},
    discard: async () => {},
    undoDiscard: () => {},
  }
}

const LOST_WRITE = { type: 'project', version: 7, at: Date.UTC(2026, 10, 29, 10, 42), fileName: '', count: 1 }

/** One of each kind. */
export const LOST: LostSave[] = [
  { ...LOST_WRITE, what: 'save', id: '1', changes: { name: 'Harbour bridge', due_on: '2026-12-01' } },
  { ...LOST_WRITE, what: 'creation', id: '2', changes: { name: 'Tunnel' } },
  { ...LOST_WRITE, what: 'bulk', id: '3', changes: { status: 'done' }, count: 12 },
  {
    ...LOST_WRITE,
    what: 'import',
    id: '',
    changes: {},
    count: 1200,
    fileName: 'bridges of the whole country.csv',
  },
]

const COUNTED: ChangedBadgeProps['changed'] = { status: 'ready', count: 7, isMore: false, isStale: false }

/** What a badge shows of what has changed. */
export const COUNTS: [string, ChangedBadgeProps['changed']][] = [
  ['counted', COUNTED],
  ['more', { ...COUNTED, count: 99, isMore: true }],
  ['unknown', { ...COUNTED, count: null }],
  ['stale', { ...COUNTED, isStale: true }],
]

/** A row for each mark, by its name. */
export const UNSENT_ROWS: UnsentMarkProps['list'] = {
  unsent: new Map([
    ['created', { what: 'created', isRefused: false }],
    ['changed', { what: 'changed', isRefused: false }],
    ['removed', { what: 'removed', isRefused: false }],
    ['refused', { what: 'changed', isRefused: true }],
  ]),
}

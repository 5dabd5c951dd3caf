// A small world for generated tests of the record state: one record on a server, up to four people who edit it, and
// a network that delays, reorders, doubles and loses. After every step it checks what must never happen.

import { expect } from 'vitest'
import { hasRoom } from '../../../../web/client/offline/compared-edits.ts'
import { editsAfter, type SendAnswer } from '../../../../web/client/offline/remaining-edits.ts'
import { nextRecordState } from '../../../../web/client/record/reducer.ts'
import type {
  Mutation,
  RecordEffect,
  RecordStateEvent,
  UnsentEdits,
} from '../../../../web/client/record/state.ts'
import {
  editsOf,
  initialRecordState,
  type RecordState,
  valuesOf,
} from '../../../../web/client/record/state.ts'
import { createServer, type Server } from './record-world-server.ts'

export const STEPS = [
  'type',
  'type_back',
  'save',
  'deliver',
  'double',
  'lose',
  'reload',
  'merge',
  'review',
  'resolve',
  'crash',
  'resume',
  'discard',
  'restore',
  'revert',
  'dismiss',
  'close',
  'rejoin',
  'fade',
  'reopen',
  'sign_out',
  'revoke',
  'remove',
] as const

/** One step: who does what; `pick` chooses among fields and messages. */
export interface Step {
  who: number
  what: (typeof STEPS)[number]
  pick: number
}

const FIELDS = ['name', 'status', 'notes']

type Message =
  | { kind: 'load_asked' }
  | { kind: 'write_asked'; mutation: Mutation; isAwaited: boolean }
  | { kind: 'delivery'; stateEvent: RecordStateEvent; isLoad: boolean }

interface Person {
  name: string
  state: RecordState
  network: Message[]
  /** What this person last put into each field and has not taken back. */
  typed: Map<string, unknown>
  highestShown: number
  /** Gave up a save whose fate is unknown: a conflict with it would be an honest one. */
  gaveUp: boolean
}

export interface World {
  act(act: Step): void
  /** The network calms down: everything arrives, everyone is joined again. */
  settle(): void
}

/** `next` is the editor: the real one, or one that is broken on purpose. */
export function createWorld(peopleCount: number, next = nextRecordState): World {
  const server = createServer()
  let tokens = 0
  let isLossy = false
  const people = Array.from({ length: peopleCount }, (_, index): Person => {
    const name = `p${index}`
    return { name, state: initialRecordState, network: [], typed: new Map(), highestShown: 0, gaveUp: false }
  })
  for (const person of people) dispatch(person, { kind: 'opened' })

  function dispatch(person: Person, stateEvent: RecordStateEvent) {
    const before = person.state
    const { state, effects } = next(before, stateEvent)
    person.state = state
    for (const effect of effects) perform(person, effect)
    checkUntouched(before, state, stateEvent)
    checkVersion(person)
    checkTyped(person, server)
    checkConflict(person, server)
  }

  function perform(person: Person, effect: RecordEffect) {
    const { network } = person
    if (effect.kind === 'load' && !network.some(({ kind }) => kind === 'load_asked'))
      network.push({ kind: 'load_asked' })
    if (effect.kind === 'write')
      network.push({ kind: 'write_asked', mutation: effect.mutation, isAwaited: true })
    if (effect.kind === 'forget_loads')
      person.network = network.filter(
        (message) => message.kind !== 'load_asked' && !(message.kind === 'delivery' && message.isLoad),
      )
  }

  const send = (person: Person, stateEvent: RecordStateEvent, isLoad = false) =>
    void person.network.push({ kind: 'delivery', stateEvent, isLoad })

  function arrive(person: Person, message: Message) {
    if (message.kind === 'delivery') return dispatch(person, message.stateEvent)
    if (message.kind === 'load_asked') return send(person, server.read(), true)
    const { mutation } = message
    const { answer, event } = server.write(person.name, mutation)
    if (message.isAwaited) send(person, answer)
    if (event) for (const other of people) if (other !== person) send(other, event)
  }

  /** A lost message; a write's time-out may leave its request on the way, to arrive when nobody waits for it. */
  function lose(person: Person, message: Message, isLate: boolean) {
    const refusal = { outcome: 'unreachable', retryAfterMs: null, detail: 'lost' } as const
    if (message.kind === 'load_asked') return dispatch(person, { kind: 'load_failed', refusal, at: 0 })
    if (message.kind === 'write_asked') {
      if (!message.isAwaited) return
      isLossy = true
      if (isLate) person.network.push({ ...message, isAwaited: false })
      return dispatch(person, {
        kind: 'write_refused',
        mutationId: message.mutation.mutationId,
        refusal,
        at: 0,
      })
    }
    const { stateEvent } = message
    if (message.isLoad) return dispatch(person, { kind: 'load_failed', refusal, at: 0 })
    isLossy = true
    if (stateEvent.kind === 'saved' || stateEvent.kind === 'removed' || stateEvent.kind === 'write_refused')
      dispatch(person, { kind: 'write_refused', mutationId: stateEvent.mutationId, refusal, at: 0 })
  }

  function take(person: Person, pick: number): Message | undefined {
    const index = person.network.length === 0 ? 0 : pick % person.network.length
    return person.network.splice(index, 1)[0]
  }

  function type(person: Person, field: string, value: unknown) {
    if (!person.state.record) return
    person.typed.set(field, value)
    dispatch(person, { kind: 'typed', field, value })
  }

  /** Each field by itself: mine, theirs, or something of both; sometimes from a dialog that is a version behind. */
  function resolve(person: Person, pick: number, mutationId: string) {
    const { latest, draft } = person.state
    const theirs = FIELDS.filter((_, index) => (pick >> index) % 2 === 1)
    const edited = pick === 6 && 'notes' in draft ? { notes: `${draft.notes} and theirs` } : {}
    const version = (latest?.version ?? 0) - (pick === 7 ? 1 : 0)
    if (person.state.status === 'conflicted' && latest?.version === version)
      for (const [field, value] of Object.entries(edited)) person.typed.set(field, value)
    dispatch(person, {
      kind: 'resolved',
      ...{ version, theirs, edited },
      mutationId: pick % 2 === 0 ? mutationId : null,
    })
  }

  /** The tab is killed and opened again: what outlives it is what its edits were when it died. */
  function crash(person: Person) {
    const edits = editsOf(person.state)
    person.network = person.network
      .filter((message) => message.kind === 'write_asked')
      .map((message) => ({ ...message, isAwaited: false }))
    isLossy = true
    person.state = initialRecordState
    if (!edits) person.typed.clear()
    else {
      const left = hasRoom(person.state, edits) ? edits : sendPast(person, edits)
      if (left) dispatch(person, { kind: 'recalled', edits: left })
    }
    dispatch(person, { kind: 'opened' })
  }

  /** A write that no editor has room for, as it was asked for; gives what is left of the edits. */
  function sendPast(person: Person, edits: UnsentEdits): UnsentEdits | null {
    const { unanswered } = edits
    if (!unanswered) return edits
    const { answer, event } = server.write(person.name, unanswered)
    if (event) for (const other of people) if (other !== person) send(other, event)
    const left = editsAfter(edits, unanswered, answerOf(answer))
    return left?.unanswered ? sendPast(person, left) : left
  }

  function act({ who, what, pick }: Step) {
    const person = people[who % people.length]
    if (!person) return
    const field = FIELDS[pick % FIELDS.length] ?? 'name'
    switch (what) {
      case 'type':
        tokens += 1
        return type(person, field, `${person.name}-${tokens}`)
      case 'type_back':
        return type(person, field, person.state.record?.fields[field])
      case 'save':
        tokens += 1
        return dispatch(person, { kind: 'save_asked', mutationId: `m${tokens}` })
      case 'remove':
        tokens += 1
        if (pick === 0) dispatch(person, { kind: 'remove_asked', mutationId: `m${tokens}` })
        return
      case 'deliver': {
        const message = take(person, pick)
        if (message) arrive(person, message)
        return
      }
      case 'double': {
        const event = person.network.find(
          (message) => message.kind === 'delivery' && message.stateEvent.kind === 'version_received',
        )
        if (event) person.network.push(event)
        return
      }
      case 'lose': {
        const message = take(person, pick)
        if (message) lose(person, message, pick % 2 === 0)
        return
      }
      case 'reload':
        if (person.state.unanswered) person.gaveUp = true
        return dispatch(person, { kind: 'reload_asked' })
      case 'merge':
        return dispatch(person, { kind: 'merge_asked' })
      case 'review':
        return dispatch(person, { kind: 'review_asked' })
      case 'resolve':
        tokens += 1
        return resolve(person, pick, `m${tokens}`)
      case 'resume':
        return dispatch(person, { kind: 'resume_asked' })
      case 'discard':
        if (pick > 1 || person.state.status === 'saving') return
        person.typed.clear()
        if (person.state.unanswered) person.gaveUp = true
        return dispatch(person, { kind: 'discarded' })
      case 'crash':
        return crash(person)
      case 'restore': {
        const { kept, record, status } = person.state
        const one = pick % 2 === 0 ? { fields: [field] } : {}
        if (kept && record && status !== 'conflicted')
          for (const [name, value] of Object.entries(kept.fields))
            if (!one.fields || name === field) person.typed.set(name, value)
        return dispatch(person, { kind: 'restore_asked', ...one })
      }
      case 'revert':
        if (person.state.unanswered) person.gaveUp = true
        return dispatch(person, { kind: 'revert_asked' })
      case 'dismiss':
        return dispatch(person, { kind: 'dismissed' })
      case 'close':
        return dispatch(person, { kind: 'conflict_closed' })
      case 'rejoin':
        return dispatch(person, server.joined())
      case 'fade':
        return dispatch(person, { kind: 'faded', what: pick % 2 === 0 ? 'highlight' : 'notice' })
      case 'reopen':
        return dispatch(person, { kind: 'opened' })
      case 'sign_out':
        return dispatch(person, { kind: 'load_failed', refusal: { outcome: 'unauthenticated' }, at: 0 })
      case 'revoke':
        if (pick === 0) dispatch(person, { kind: 'revoked' })
    }
  }

  function deliverAll() {
    for (let sent = 0; sent < 400; sent++) {
      const person = people.find(({ network }) => network.length > 0)
      const message = person && take(person, 0)
      if (!message) break
      arrive(person, message)
    }
  }

  function settle() {
    deliverAll()
    if (!isLossy) checkCurrent()
    for (let round = 0; round < 6; round++) {
      for (const person of people) dispatch(person, server.joined())
      for (const person of people)
        if (person.state.status === 'signed_out') dispatch(person, { kind: 'opened' })
      deliverAll()
    }
    for (const { network } of people) expect(network, 'the network is quiet').toEqual([])
    checkCurrent()
  }

  function checkCurrent() {
    for (const { state } of people) {
      expect(state.status).not.toBe('saving')
      const { version, isDeleted } = server.now()
      if (state.isRefused) continue
      if (isDeleted) expect(state.deletion ?? state.trouble, 'everyone knows of the deletion').not.toBeNull()
      else if (state.status === 'clean')
        expect(state.record?.version, 'who is clean is current').toBe(version)
      else if (state.record && state.record.version < version && !state.conflict)
        expect(state.newer?.version, 'who is typing knows of the newest version').toBe(version)
    }
  }

  return { act, settle }
}

function answerOf(answer: RecordStateEvent): SendAnswer {
  if (answer.kind === 'saved')
    return { outcome: 'saved', record: answer.record, mergedFields: answer.mergedFields }
  if (answer.kind === 'removed') return { outcome: 'removed' }
  if (answer.kind === 'write_refused') return answer.refusal
  throw new Error(`${answer.kind} is no answer to a write.`)
}

/** What others did touches nothing that is typed. Where a merge was asked for, what the newest version says already is no edit any more. */
function checkUntouched(before: RecordState, after: RecordState, { kind }: RecordStateEvent) {
  const isRemote =
    kind === 'version_received' ||
    kind === 'load_failed' ||
    (kind === 'loaded' && !before.reloading && before.record)
  if (!isRemote) return
  const typed = Object.entries(before.draft).filter(
    ([field, value]) => !before.merging || field in after.draft || after.record?.fields[field] !== value,
  )
  expect(after.draft, `a draft after ${kind}`).toEqual(Object.fromEntries(typed))
}

function checkVersion(person: Person) {
  const shown = person.state.record?.version
  if (shown === undefined) return
  expect(shown, 'the shown version').toBeGreaterThanOrEqual(person.highestShown)
  person.highestShown = shown
}

/** What was typed last into a field is shown, kept, on its way, or was written by this person. */
function checkTyped({ name, state, typed }: Person, server: Server) {
  const places = [valuesOf(state), state.kept?.fields, state.writing?.changes, state.unanswered?.changes]
  for (const [field, value] of typed) {
    const isShownPlain = !(field in state.draft) && state.record?.fields[field] === value
    const isSomewhere =
      places.some((fields) => fields?.[field] === value) || server.hasWritten(name, field, value)
    expect(isSomewhere, `${String(value)} in ${field}, typed by ${name}, while ${state.status}`).toBe(true)
    if (isShownPlain) typed.delete(field)
  }
}

/** A refused save means that somebody else has written. */
function checkConflict({ name, state, gaveUp }: Person, server: Server) {
  const { conflict } = state
  if (!conflict || gaveUp) return
  const others = server.writersAfter(conflict.client_version).filter((writer) => writer !== name)
  expect(others.length, 'others who wrote meanwhile').toBeGreaterThan(0)
}

// What an open record sends besides saves: an earlier version of it, or a proposal. Put together here, of the state as it is,
// and sent like any save: guarded, once, and where others have changed the same both sides are shown. Loaded on use.

import type { Fields, RecordAddress, WireRecord } from '../../../server/protocol/index.ts'
import { hasField, isEmpty, isSame, pick } from '../base/values.ts'
import type { ClientSaveOutcome } from '../http/outcomes.ts'
import type { Mutation } from '../http/own-writes.ts'
import type { ClientPastOutcome, ClientProposeOutcome, Reviews } from './reviews.ts'

/** What is set aside of what was typed. */
interface SetAside {
  fields: Fields
  why: 'resolved'
  isHidden: boolean
}

/** What it needs of the record's state. */
interface OpenState<K> {
  record: WireRecord | null
  draft: Fields
  kept: K
  writing: Mutation | null
  unanswered: Mutation | null
}

/** What it needs of the record's store. */
interface Asking<K extends { fields: Fields } | null> {
  address: RecordAddress
  requests: Pick<Reviews, 'readPast'>
  newId: () => string
  stateNow: () => OpenState<K>
  ask(asked: {
    kind: 'write_asked'
    mutationId: string
    mutation: Mutation
    form: { draft: Fields; kept: K | SetAside }
  }): Promise<unknown>
  /** Proposes what is decided between both sides. */
  again: (() => Promise<unknown>) | null
}

const send = <K extends { fields: Fields } | null>(
  asking: Asking<K>,
  mutation: Mutation,
  form: { draft: Fields; kept: K | SetAside },
) => asking.ask({ kind: 'write_asked', mutationId: mutation.mutationId, mutation, form })

/** Sends what is typed for somebody else to decide about. What got no answer is sent again, under its own id. */
export async function propose<K extends { fields: Fields } | null>(
  asking: Asking<K>,
  note = '',
): Promise<ClientProposeOutcome | null> {
  const { record, draft, kept, writing, unanswered } = asking.stateNow()
  if (!record?.version || writing || isEmpty(draft)) return null
  asking.again = () => propose(asking, note)
  const fresh: Mutation = {
    kind: 'propose',
    mutationId: asking.newId(),
    clientVersion: record.version,
    changes: draft,
    note,
  }
  const isRetry = unanswered && isSame(unanswered, { ...fresh, mutationId: unanswered.mutationId })
  return (await send(asking, isRetry ? unanswered : fresh, { draft, kept })) as ClientProposeOutcome | null
}

/** What was typed in these fields is set aside. */
const keptBeside = <K extends { fields: Fields } | null>(
  kept: K,
  draft: Fields,
  changes: Fields,
): K | SetAside => {
  const typed = pick(draft, (field, value) => hasField(changes, field) && !isSame(value, changes[field]))
  return isEmpty(typed) ? kept : { fields: { ...kept?.fields, ...typed }, why: 'resolved', isHidden: false }
}

/** Saves what the record was at a version, or these fields of it. */
export async function restoreVersion<F extends object, K extends { fields: Fields } | null>(
  asking: Asking<K>,
  version: number,
  fields?: readonly string[],
): Promise<ClientSaveOutcome<F> | Exclude<ClientPastOutcome<F>, { outcome: 'found' }> | null> {
  const { type, id } = asking.address
  const past = await asking.requests.readPast(type, id, { version })
  if (past.outcome !== 'found') return past
  const { record, draft, kept, writing, unanswered } = asking.stateNow()
  if (!record || writing || unanswered) return null
  const was: Fields = past.record.fields
  const names = past.writable.filter((name) => !fields || fields.includes(name))
  const differing = names.filter((name) => !isSame(was[name], record.fields[name]))
  if (differing.length === 0) return null
  const changes = Object.fromEntries(differing.map((name) => [name, was[name]]))
  asking.again = null
  const mutation: Mutation = {
    kind: 'save',
    mutationId: asking.newId(),
    clientVersion: record.version,
    changes,
    restores: version,
  }
  const form = { draft: { ...draft, ...changes }, kept: keptBeside(kept, draft, changes) }
  return (await send(asking, mutation, form)) as ClientSaveOutcome<F> | null
}

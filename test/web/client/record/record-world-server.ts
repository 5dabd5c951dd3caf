// The server of the generated tests: one guarded record in memory, which decides as the real one does.

import { expect } from 'vitest'
import type { Fields, WireRecord } from '../../../../server/protocol/index.ts'
import type { Mutation, RecordStateEvent } from '../../../../web/client/record/state.ts'
import type { RemoteVersion } from '../../../../web/client/transport/transport.ts'

interface Decision {
  answer: RecordStateEvent
  /** The fields that were written; `null` where no version was made. */
  changed: string[] | null
}

/** The server of a world. */
export type Server = ReturnType<typeof createServer>

/** One record, its history and the answers already given. */
export function createServer() {
  let version = 1
  let fields: Fields = { name: 'n', status: 's', notes: '' }
  let isDeleted = false
  const history: { version: number; by: string; changes: Fields }[] = []
  const answers = new Map<string, { mutation: Mutation; answer: RecordStateEvent }>()
  const writer = (id: string) => ({ id, name: id, kind: 'user' as const })
  const lastWriter = () => history.at(-1)?.by ?? 'p0'
  const record = (): WireRecord => ({
    type: 'project',
    id: '1',
    version,
    updated_at: '2026-11-21T09:30:00.000000Z',
    updated_by: writer(lastWriter()),
    fields,
  })
  const remote = (changedFields: string[] | null): RemoteVersion => ({
    version,
    changedFields,
    by: writer(lastWriter()),
    at: 0,
    isOwn: false,
    deleted: isDeleted,
  })
  const problem = { type: 'urn:noclobber:x', title: '', status: 409, detail: '', updated_at: '' }
  const deleted = () => ({ ...problem, code: 'deleted' as const, version, updated_by: writer(lastWriter()) })

  function decide(by: string, { kind, mutationId, clientVersion, changes }: Mutation): Decision {
    const refuse = (refusal: Extract<RecordStateEvent, { kind: 'write_refused' }>['refusal']) => ({
      kind: 'write_refused' as const,
      mutationId,
      refusal,
      at: 0,
    })
    if (isDeleted) return { answer: refuse({ outcome: 'gone', problem: deleted() }), changed: null }
    const saved = () =>
      ({ kind: 'saved', mutationId, record: record(), mergedFields: [] }) satisfies RecordStateEvent
    const isThere = Object.keys(changes).every((field) => changes[field] === fields[field])
    if (kind === 'save' && clientVersion < version && isThere) return { answer: saved(), changed: null }
    if (clientVersion !== version) {
      const stale = {
        client_version: clientVersion,
        current_version: version,
        changed_fields: null,
        current: record(),
      }
      const conflict = {
        ...problem,
        code: 'stale_record' as const,
        updated_by: writer(lastWriter()),
        ...stale,
      }
      return { answer: refuse({ outcome: 'conflict', problem: conflict }), changed: null }
    }
    const changed = Object.keys(changes).filter((field) => changes[field] !== fields[field])
    if (kind === 'remove') isDeleted = true
    if (kind === 'remove' || changed.length > 0) {
      version += 1
      fields = { ...fields, ...changes }
      history.push({ version, by, changes })
    }
    if (kind === 'remove') return { answer: { kind: 'removed', mutationId, at: 0 }, changed }
    return { answer: saved(), changed: changed.length > 0 ? changed : null }
  }

  return {
    now: () => ({ version, isDeleted }),
    hasWritten: (by: string, field: string, value: unknown) =>
      history.some((entry) => entry.by === by && entry.changes[field] === value),
    writersAfter: (after: number) => history.filter((entry) => entry.version > after).map(({ by }) => by),
    joined: (): RecordStateEvent => ({ kind: 'version_received', remote: remote(null) }),
    read(): RecordStateEvent {
      if (isDeleted) return { kind: 'load_failed', refusal: { outcome: 'gone', problem: deleted() }, at: 0 }
      return { kind: 'loaded', record: record(), at: 0, isOwn: false }
    },
    /** The same mutation again gets its first answer again. */
    write(by: string, mutation: Mutation): { answer: RecordStateEvent; event: RecordStateEvent | null } {
      const first = answers.get(mutation.mutationId)
      if (first) {
        expect(mutation, 'a mutation id has one content').toEqual(first.mutation)
        return { answer: first.answer, event: null }
      }
      const { answer, changed } = decide(by, mutation)
      if (answer.kind !== 'write_refused') answers.set(mutation.mutationId, { mutation, answer })
      return { answer, event: changed && { kind: 'version_received', remote: remote(changed) } }
    },
  }
}

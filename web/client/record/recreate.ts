// A record that was deleted, or created here and lost by the server, anew, from what was shown and typed. Under one mutation id as long as the content is the same, so that a
// lost answer or a second click creates once.

import type { Fields, RecordAddress } from '../../../server/protocol/index.ts'
import type { Readable } from '../base/store.ts'
import { hasField, isSame } from '../base/values.ts'
import type { ClientCreateOutcome } from '../http/outcomes.ts'
import type { Requests } from '../http/requests.ts'
import type { RecordState, RecordStateEvent } from './state.ts'

interface RecreationOptions {
  address: RecordAddress
  requests: Pick<Requests, 'create'>
  newId: () => string
  state: Readable<RecordState>
  dispatch: (stateEvent: RecordStateEvent) => void
}

/** Keys that the client may make are taken again; where the database makes them, the record gets a new one. */
export function createRecreation({ address, requests, newId, state, dispatch }: RecreationOptions) {
  const { type, id } = address
  let last: { fields: Fields; mutationId: string; isIdRefused: boolean } | null = null

  return async <F extends object>(): Promise<ClientCreateOutcome<F> | null> => {
    const { record, draft, kept, status, lostCreation } = state.get()
    const base = status === 'gone' ? record?.fields : status === 'forbidden' ? lostCreation?.fields : null
    if (!base) return null
    const fields: Fields = { ...base, ...kept?.fields, ...draft }
    if (!last || !isSame(last.fields, fields)) last = { fields, mutationId: newId(), isIdRefused: false }
    const asked = last
    const create = () =>
      requests.create<F>(type, fields as Partial<F>, {
        mutationId: asked.isIdRefused ? asked.mutationId : `${asked.mutationId} ${id}`,
        ...(asked.isIdRefused ? {} : { id }),
      })
    let outcome = await create()
    if (outcome.outcome === 'invalid' && outcome.errors.some(({ field }) => !hasField(fields, field))) {
      asked.isIdRefused = true
      outcome = await create()
    }
    if (outcome.outcome !== 'created') return outcome
    dispatch({ kind: 'recreated' })
    if (outcome.record.id === id) dispatch({ kind: 'opened' })
    return outcome
  }
}

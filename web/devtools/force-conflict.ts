// A save of the fields that are typed here, as another tab of the same person would make it: the next save of the editor is stale.

import type { RecordTransition } from '../client/record/store-options.ts'
import type { RecordClientOptions } from '../client/record-client-options.ts'

const otherThan = (value: unknown): unknown => {
  if (typeof value === 'string') return `${value} (elsewhere)`
  if (typeof value === 'number') return value + 1
  if (typeof value === 'boolean') return !value
  return value
}

/** Gives what was answered, for the panel to show. Without anything typed there is nothing to be in conflict with. */
export async function forceConflict(
  { type, id, state }: Pick<RecordTransition, 'type' | 'id' | 'state'>,
  { url = '/api/v1', token, credentials = 'include' }: RecordClientOptions,
  send: typeof fetch,
): Promise<string> {
  const { record, draft } = state
  const fields = Object.keys(draft)
  if (!record || fields.length === 0) return 'Type something first.'
  const bearer = token?.() ?? null
  const headers = {
    'content-type': 'application/json',
    ...(bearer !== null && { authorization: `Bearer ${bearer}` }),
  }
  const path = `${url}/records/${encodeURIComponent(type)}/${encodeURIComponent(id)}`
  const found = await send(path, { headers, credentials })
  if (!found.ok) return `Reading it was answered ${found.status}.`
  const { data } = await found.json()
  const changes = Object.fromEntries(
    fields.flatMap((field) => {
      const value = otherThan(data.fields[field])
      return value === data.fields[field] ? [] : [[field, value]]
    }),
  )
  const body = JSON.stringify({ client_version: data.version, changes })
  const saved = await send(path, { method: 'PATCH', headers, credentials, body })
  return saved.ok
    ? `Saved ${Object.keys(changes).join(', ')} as version ${data.version + 1}.`
    : `Saving was answered ${saved.status}.`
}

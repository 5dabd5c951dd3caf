// The wire's other end for component tests, by the client's own openings: a `fetch` that answers for some projects and
// a transport whose events a test sends itself. Guarding, pushing and the like are tried on the real server elsewhere.

import type {
  ChangedCount,
  CountedType,
  Fields,
  RecordEvent,
  WireRecord,
} from '../../server/protocol/index.ts'
import { createRecordClient } from '../../web/client/record-client.ts'
import type { RecordClientOptions } from '../../web/client/record-client-options.ts'
import type { TransportEvent, TransportListener } from '../../web/client/transport/transport.ts'

const BOB = { id: 'u2', name: 'Bob', kind: 'user' } as const

export interface Sent {
  method: string
  path: string
  headers: Headers
  body: Record<string, unknown> | null
}

/** One client and what it talks to. Answers wait while `hold` is on. */
export function createSmallServer({
  tidy = (value) => value,
  ...options
}: RecordClientOptions & {
  /** What becomes of a saved value. */
  tidy?: (value: unknown) => unknown
} = {}) {
  const records = new Map<string, WireRecord>()
  const sent: Sent[] = []
  const waiting: (() => void)[] = []
  let isHolding = false
  let isRefusing = false
  let refusal: { field: string; message: string }[] | null = null
  let counts: ((since: CountedType[]) => ChangedCount[] | null) | null = null
  let listener: TransportListener | null = null

  for (const id of ['1', '2'])
    put(id, 1, { name: `Bridge ${id}`, status: 'planned', budget: 5, urgent: false, due_on: null })

  function put(id: string, version: number, fields: Fields, by: unknown = BOB) {
    const updated_at = new Date().toISOString()
    records.set(id, { type: 'project', id, version, updated_at, updated_by: by as typeof BOB, fields })
  }

  const json = (status: number, body: unknown) =>
    new Response(JSON.stringify(body), { status, headers: { Date: new Date().toUTCString() } })

  function refusedNow(): Response | null {
    const errors = refusal
    refusal = null
    return errors && json(422, { code: 'invalid', status: 422, errors })
  }

  function create(fields: Fields): Response {
    const refused = refusedNow()
    if (refused) return refused
    const id = String(records.size + 1)
    put(id, 1, fields)
    return json(201, { data: records.get(id) })
  }

  /** All records, and the sum of their budgets. */
  function totals(): Response {
    const budget = [...records.values()].reduce((sum, { fields }) => sum + Number(fields.budget), 0)
    return isRefusing
      ? json(503, { code: 'unavailable', status: 503 })
      : json(200, { data: [], cursor: 'c', next: null, count: records.size, sums: { budget } })
  }

  /** Without anything that counts the server is an older one. */
  function countChanges(since: CountedType[]): Response {
    if (!counts) return json(404, { code: 'not_found', status: 404 })
    const data = counts(since)
    return data ? json(200, { data }) : json(503, { code: 'unavailable', status: 503 })
  }

  function answer({ method, path, body }: Sent): Response {
    const record = records.get(path.split('/').at(-1) ?? '')
    if (/[?&]limit=0&?/.test(path)) return totals()
    if (path.endsWith('/versions')) return json(200, { data: [] })
    if (path === '/changes/count') return countChanges(body?.since as CountedType[])
    if (method === 'POST') return create((body?.fields ?? {}) as Fields)
    if (!record) return json(404, { code: 'not_found', status: 404 })
    if (method === 'GET') return json(200, { data: record })
    const refused = refusedNow()
    if (refused) return refused
    if (body?.client_version !== record.version) {
      const versions = { client_version: body?.client_version, current_version: record.version }
      const { updated_at, updated_by } = record
      return json(409, {
        code: 'stale_record',
        status: 409,
        ...versions,
        updated_at,
        updated_by,
        current: record,
      })
    }
    const changes = Object.entries(body.changes as Fields).map(([name, value]) => [name, tidy(value)])
    put(record.id, record.version + 1, { ...record.fields, ...Object.fromEntries(changes) })
    return json(200, { data: records.get(record.id) })
  }

  const client = createRecordClient({
    url: 'http://app.test/api/v1',
    ...options,
    async fetch(input, init) {
      const path = String(input).replace('http://app.test/api/v1', '')
      const body = init?.body ? JSON.parse(String(init.body)) : null
      const request = { method: init?.method ?? 'GET', path, headers: new Headers(init?.headers), body }
      sent.push(request)
      if (isHolding) await new Promise<void>((resolve) => void waiting.push(resolve))
      return answer(request)
    },
    createTransport(own) {
      listener = own
      return {
        connect: () => own.onStatus('connected', 'websocket'),
        reconnect: () => own.onStatus('connected', 'websocket'),
        id: () => 'socket-1',
        watch: async ({ records: asked = [], lists = [] }) => ({
          records: asked.flatMap(({ id }) => {
            const record = records.get(id)
            return record ? { ok: true as const, ...record, deleted: false } : []
          }),
          lists: lists.map(({ type, scope = {} }) => ({
            ...{ type, scope, ok: true as const },
            cursor: 'c',
            behind: false,
          })),
        }),
        unwatch: async () => {},
        close: () => {},
      }
    },
  })

  return {
    client,
    sent,
    hold() {
      isHolding = true
    },
    release() {
      isHolding = false
      for (const go of waiting.splice(0)) go()
    },
    /** Whether counts are refused from now on. */
    refuseCounts(refuses: boolean) {
      isRefusing = refuses
    },
    /** What `POST /changes/count` answers; `null`: 503. */
    countBy(answers: NonNullable<typeof counts>) {
      counts = answers
    },
    /** Sends what a server sends. */
    send: (event: TransportEvent) => listener?.onEvent(event),
    /** The next write is answered with these errors. */
    refuseNext(errors: { field: string; message: string }[]) {
      refusal = errors
    },
    /** The rights to a record's fields have changed: some are not there any more, some may not be changed. */
    withhold(id: string, unseen: string[], readOnly: string[]) {
      const record = records.get(id) as WireRecord
      const fields = Object.fromEntries(
        Object.entries(record.fields).filter(([name]) => !unseen.includes(name)),
      )
      const rights = { rights: `without ${unseen}, ${readOnly}`, read_only: readOnly }
      records.set(id, { ...record, ...rights, fields })
      listener?.onEvent({ name: 'Resync' })
    },
    /** Bob saves, and all watchers are notified. */
    saveAsBob(id: string, changes: Fields, by: unknown = BOB, odd: object = {}) {
      const { version = 0, fields = {} } = records.get(id) ?? {}
      put(id, version + 1, { ...fields, ...changes }, by)
      const event: RecordEvent = {
        tenant_id: '1',
        type: 'project',
        id,
        version: version + 1,
        changed_fields: Object.keys(changes),
        updated_at: new Date().toISOString(),
        updated_by: by as RecordEvent['updated_by'],
        tab_id: 'bobs',
        ...odd,
      }
      listener?.onEvent({ name: 'RecordUpdated', event })
    },
  }
}

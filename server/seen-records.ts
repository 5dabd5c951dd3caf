// Records that this node has just read or written, by version.
// Invariant: an entry is the record at exactly that version, so a save guarded by this version may be judged by it
// without reading: if the guard passes, it was this record. Never used as an answer to a reader.
import type { WireRecord } from './protocol.ts'

export interface SeenRecords {
  /** The record at this version, or at any version where none is named. */
  get(tenantId: string, type: string, id: string, version?: number): WireRecord | undefined
  put(tenantId: string, record: WireRecord): void
}

export interface SeenRecordsOptions {
  /** Most entries kept; the longest unused goes first. Default 5,000. */
  size?: number
  /** Entries older than this don't count, in milliseconds: columns that make no version may have changed. Default 30,000. */
  keepMs?: number
  /** Records with more text than this, in characters, are not kept. Default 16,000. */
  maxText?: number
  now?: () => number
}

const textOf = (record: WireRecord) => {
  let length = 0
  for (const value of Object.values(record.fields)) {
    if (typeof value === 'string') length += value.length
    else if (value && typeof value === 'object') length += JSON.stringify(value).length
  }
  return length
}

export const createSeenRecords = ({
  size = 5_000,
  keepMs = 30_000,
  maxText = 16_000,
  now = Date.now,
}: SeenRecordsOptions = {}): SeenRecords => {
  const entries = new Map<string, { record: WireRecord; at: number }>()
  const keyOf = (tenantId: string, type: string, id: string) => JSON.stringify([tenantId, type, id])
  return {
    get: (tenantId, type, id, version) => {
      const entry = entries.get(keyOf(tenantId, type, id))
      if (!entry || now() - entry.at > keepMs) return undefined
      return version === undefined || entry.record.version === version ? entry.record : undefined
    },
    put: (tenantId, record) => {
      const key = keyOf(tenantId, record.type, record.id)
      const known = entries.get(key)
      if (known && known.record.version > record.version) return
      entries.delete(key)
      if (textOf(record) > maxText) return
      entries.set(key, { record, at: now() })
      if (entries.size > size) entries.delete(entries.keys().next().value as string)
    },
  }
}

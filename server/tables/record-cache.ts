// Records that this node has just read or written, by version.
// Invariant: an entry is the record at exactly that version, so a save guarded by this version may be authorized by it
// without reading: if the guard passes, it was this record. So may a join or a poll, whose version has just been read.
// Never used as an answer to a reader. After a failover, a restore or a crash the same version may be another record: all
// of it is forgotten whenever the database may have become another, and what was read before is not taken in after.
import { hasAudience } from '../audience/audience.ts'
import type { WireRecord } from '../protocol/index.ts'

export interface RecordCache {
  /** The record at this version, or at any version where none is named. */
  get(tenantId: string, type: string, id: string, version?: number): WireRecord | undefined
  /** The record at this version, however long ago it was read: columns that make no version may have changed since. */
  seen(tenantId: string, type: string, id: string, version: number): WireRecord | undefined
  /** The same as `get` for many records of one type. */
  of(tenantId: string, type: string): (id: string, version?: number) => WireRecord | undefined
  /** Takes in what was read or written after `isStill` was made; nothing if all was forgotten meanwhile. */
  put(tenantId: string, record: WireRecord, isStill: IsStill): void
  /** Made before something is read, or before a caller is authorized by what is here. */
  mark(): IsStill
  /** The database may have become another one. */
  clear(): void
}

/** Nothing was forgotten since it was made. */
export type IsStill = () => boolean

export interface RecordCacheOptions {
  /** Most entries kept; the oldest goes first. Default 20,000. */
  size?: number
  /** Most text kept in all of them, in characters; the oldest goes first. Default 20 million. */
  maxTotalText?: number
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

interface Entry {
  record: WireRecord
  at: number
  text: number
  /** The records of one tenant and type, by `partitionOf`. */
  partition: string
}

/** A save asks for its records' partition several times in a row. */
let last = { tenantId: '', type: '', partition: '0 ' }

const partitionOf = (tenantId: string, type: string): string => {
  if (tenantId !== last.tenantId || type !== last.type)
    last = { tenantId, type, partition: `${tenantId.length} ${tenantId}${type}` }
  return last.partition
}

export const createRecordCache = ({
  size = 20_000,
  maxTotalText = 20_000_000,
  keepMs = 30_000,
  maxText = 16_000,
  now = () => performance.now(),
}: RecordCacheOptions = {}): RecordCache => {
  // By partition and id: a reconnect storm looks up tens of thousands, and no key text is built for any of them.
  const partitions = new Map<string, Map<string, Entry>>()
  const oldestFirst = new Set<Entry>()
  let totalText = 0
  let generation = 0
  const of: RecordCache['of'] = (tenantId, type) => {
    const partition = partitionOf(tenantId, type)
    return (id, version) => {
      const entry = partitions.get(partition)?.get(id)
      if (!entry || now() - entry.at > keepMs) return undefined
      return version === undefined || entry.record.version === version ? entry.record : undefined
    }
  }
  const drop = (entry: Entry) => {
    totalText -= entry.text
    oldestFirst.delete(entry)
    const entries = partitions.get(entry.partition)
    entries?.delete(entry.record.id)
    if (entries?.size === 0) partitions.delete(entry.partition)
  }
  return {
    of,
    get: (tenantId, type, id, version) => of(tenantId, type)(id, version),
    seen: (tenantId, type, id, version) => {
      const record = partitions.get(partitionOf(tenantId, type))?.get(id)?.record
      return record?.version === version ? record : undefined
    },
    mark: () => {
      const marked = generation
      return () => marked === generation
    },
    clear: () => {
      generation += 1
      partitions.clear()
      oldestFirst.clear()
      totalText = 0
    },
    put: (tenantId, record, isStill) => {
      // Who its audience is may change at any time, and makes no version.
      if (!isStill() || hasAudience(record)) return
      const partition = partitionOf(tenantId, record.type)
      const known = partitions.get(partition)?.get(record.id)
      if (known && known.record.version > record.version) return
      if (known) drop(known)
      const text = textOf(record)
      if (text > maxText) return
      const entry = { record, at: now(), text, partition }
      const entries = partitions.get(partition) ?? new Map<string, Entry>()
      partitions.set(partition, entries.set(record.id, entry))
      oldestFirst.add(entry)
      totalText += text
      while (oldestFirst.size > size || totalText > maxTotalText)
        drop(oldestFirst.values().next().value as Entry)
    },
  }
}

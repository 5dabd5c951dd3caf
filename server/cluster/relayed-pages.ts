// Pages of the log as they travel between nodes.
import type { ChangeKey } from '../log/log-reader.ts'
import type { RelayedPage } from '../log/relay.ts'
import { readSnapshot } from '../log/snapshots.ts'
import { isCount, isObject, isText, isTextOrNull, readEach } from './node-messages.ts'

const MOST_KEYS = 1_000
const MOST_SOURCES = 200

const NUMBER = /^\d{1,20}$/
const isNumber = (value: unknown): value is string => typeof value === 'string' && NUMBER.test(value)

const readText = (value: unknown): string | null => (isText(value) ? value : null)

const areScopes = (value: unknown): value is ChangeKey['scopes'] =>
  value === null ||
  (isObject(value) &&
    Object.values(value).every(
      (parents) => Array.isArray(parents) && parents.every((one) => isTextOrNull(one)),
    ))

const readKey = (value: unknown): ChangeKey | null => {
  if (!Array.isArray(value)) return null
  const [xid, seq, source, id, version, tenantId, scopes, isImported] = value
  const isOne =
    isNumber(xid) &&
    isNumber(seq) &&
    isText(source) &&
    isText(id) &&
    isCount(version) &&
    isTextOrNull(tenantId)
  if (!isOne || !areScopes(scopes) || typeof isImported !== 'boolean') return null
  return { xid, seq, source, id, version, tenantId, scopes, isImported }
}

/** A page, or `null` where it is none. */
export const readPage = (value: unknown): RelayedPage | null => {
  if (!isObject(value)) return null
  const { epoch, from, to, asOf, sources, keys } = value
  if (!isText(epoch) || !isText(asOf) || Number.isNaN(Date.parse(asOf))) return null
  if (typeof from !== 'string' || typeof to !== 'string' || !readSnapshot(from) || !readSnapshot(to))
    return null
  const read = {
    sources: sources === null ? null : readEach(sources, MOST_SOURCES, readText),
    keys: keys === null ? null : readEach(keys, MOST_KEYS, readKey),
  }
  if ((sources !== null && !read.sources) || (keys !== null && !read.keys)) return null
  return { epoch, from, to, asOf, ...read }
}

/** As it is sent. Where a key is of a kind that isn't read, each node reads the page by itself. */
export const sentPage = (page: RelayedPage) => {
  const keys =
    page.keys?.map(({ xid, seq, source, id, version, tenantId, scopes, isImported }) => [
      ...[xid, seq, source, id, version, tenantId, scopes, isImported],
    ]) ?? null
  const sent = { ...page, keys }
  return readPage(sent) ? sent : { ...sent, sources: null, keys: null }
}

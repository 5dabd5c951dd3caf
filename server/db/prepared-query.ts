// A named statement that this connection has prepared already, sent as one packet: Bind, Execute and Sync. The driver's
// own way asks PostgreSQL each time anew which columns there are, though a prepared statement can't change them
// (it fails instead: "cached plan must not change result type").
// Invariant: rows, errors and timeouts are those of the driver's own way; what isn't plain goes that way.
//
// Relies on PostgreSQL's protocol 3, on pg's `Submittable` (public, as pg-cursor uses it) and on inner parts of its client (tried
// with 8.23.1): `connection.stream` and `connection.parsedStatements`. Where they aren't there, as with pg-native,
// `shortcuts.statements` turns itself off and pg's own `query` is used. With `routes` and http/json-body.ts it takes a save's CPU
// from 1.12 to 1.20 of bare Express and Knex to 0.89 to 0.99: docs/decisions/014-lean-requests.md.

type Parse = (text: string) => unknown
type Row = Record<string, unknown>
type Done = (error: unknown, result?: { rows: Row[] }) => void

/** What the rows of a prepared statement are like. */
interface Shape {
  names: string[]
  parsers: Parse[]
  /** A row without its values. */
  empty: Row
}

/** The part of pg's inner connection that is used. */
interface Wire {
  stream: { writable: boolean; write(bytes: Uint8Array): unknown }
  parsedStatements: Record<string, string>
  on(event: 'commandComplete', listener: (message: { text: string }) => void): unknown
}

/** The part of pg's client that is used; others than pg's JavaScript client have no `connection`. */
interface Client {
  query(query: object): unknown
  connection?: Partial<Wire>
  binary?: boolean
  pipeline?: boolean
}

const BIND = 0x42
/** Execute the unnamed portal to its end, then Sync. */
const EXECUTE_AND_SYNC = Buffer.from([0x45, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0x53, 0, 0, 0, 4])
/** All parameters and all columns as text. */
const NO_FORMATS_BYTES = 2

const isText = (value: unknown): value is string => typeof value === 'string'

const PLAIN = new Set(['number', 'boolean', 'bigint'])

const quoted = (text: string) => `"${text.replace(/["\\]/g, '\\$&')}"`

/** Parameters as PostgreSQL's text, or `null` where one of them needs the driver's own conversion. */
const textsOf = (values: unknown[]): (string | null)[] | null => {
  const texts: (string | null)[] = []
  for (const value of values) {
    if (value === null || value === undefined) texts.push(null)
    else if (isText(value)) texts.push(value)
    else if (PLAIN.has(typeof value)) texts.push(String(value))
    else if (Array.isArray(value) && value.every(isText)) texts.push(`{${value.map(quoted).join()}}`)
    else return null
  }
  return texts
}

/** https://www.postgresql.org/docs/current/protocol-message-formats.html */
const packetOf = (name: string, texts: (string | null)[]): Buffer => {
  const nameBytes = Buffer.byteLength(name)
  const lengths = texts.map((text) => (text === null ? -1 : Buffer.byteLength(text)))
  let bindBytes = 4 + 1 + nameBytes + 1 + NO_FORMATS_BYTES + 2 + NO_FORMATS_BYTES
  for (const length of lengths) bindBytes += 4 + Math.max(0, length)
  const packet = Buffer.allocUnsafe(1 + bindBytes + EXECUTE_AND_SYNC.length)
  let at = packet.writeUInt8(BIND, 0)
  at = packet.writeInt32BE(bindBytes, at)
  at = packet.writeUInt8(0, at)
  at += packet.write(name, at)
  at = packet.writeUInt8(0, at)
  at = packet.writeInt16BE(0, at)
  at = packet.writeInt16BE(texts.length, at)
  for (let place = 0; place < texts.length; place += 1) {
    const text = texts[place] as string | null
    at = packet.writeInt32BE(lengths[place] as number, at)
    if (text !== null) at += packet.write(text, at)
  }
  at = packet.writeInt16BE(0, at)
  EXECUTE_AND_SYNC.copy(packet, at)
  return packet
}

/** What pg's `client.query` takes and calls back: see `Submittable` of pg's documentation. */
class BoundQuery {
  readonly name: string
  readonly text: string
  callback: Done
  readonly #texts: (string | null)[]
  readonly #shape: Shape
  readonly #rows: Row[] = []
  #failure: unknown = null

  constructor(name: string, text: string, texts: (string | null)[], shape: Shape, callback: Done) {
    this.name = name
    this.text = text
    this.callback = callback
    this.#texts = texts
    this.#shape = shape
  }

  submit({ stream }: Wire): null {
    if (stream.writable) stream.write(packetOf(this.name, this.#texts))
    return null
  }

  handleRowDescription(): void {}

  handleDataRow({ fields }: { fields: (string | null)[] }): void {
    if (this.#failure !== null) return
    const { names, parsers, empty } = this.#shape
    const row = { ...empty }
    try {
      for (let place = 0; place < fields.length; place += 1) {
        const text = fields[place] as string | null
        if (text !== null) row[names[place] as string] = (parsers[place] as Parse)(text)
      }
      this.#rows.push(row)
    } catch (error) {
      this.#failure = error
    }
  }

  handleCommandComplete(): void {}

  handleEmptyQuery(): void {}

  handlePortalSuspended(): void {}

  handleError(error: unknown): void {
    this.callback(error)
  }

  handleReadyForQuery(): void {
    if (this.#failure === null) this.callback(null, { rows: this.#rows })
    else this.callback(this.#failure)
  }
}

const shapes = new WeakMap<object, Map<string, Shape>>()

/** Keeps what the driver's first answer to a statement said of its columns. */
export const keepShape = (
  client: object,
  name: string,
  fields: { name: string; dataTypeID: number }[],
  types: { getTypeParser(oid: number): Parse },
): void => {
  const ofClient = shapes.get(client) ?? new Map<string, Shape>()
  shapes.set(client, ofClient)
  const names = fields.map((field) => field.name)
  ofClient.set(name, {
    names,
    parsers: fields.map(({ dataTypeID }) => types.getTypeParser(dataTypeID)),
    empty: Object.fromEntries(names.map((column) => [column, null])),
  })
}

/** PostgreSQL refuses it before anything of it is done: a column's type has changed since it was prepared. */
export const isOutdated = (error: unknown): boolean => {
  const { code, routine } = (error ?? {}) as { code?: string; routine?: string }
  return code === '0A000' && routine === 'RevalidateCachedQuery'
}

const DISCARDS = ['DISCARD ALL', 'DEALLOCATE ALL']
const listening = new WeakSet<object>()

/** Learns when the app discards what is prepared on this connection: it is prepared anew, also in a transaction, which no retry helps. */
export const heedDiscards = (client: Client): void => {
  const { connection } = client
  if (listening.has(client) || typeof connection?.on !== 'function') return
  listening.add(client)
  connection.on('commandComplete', ({ text }) => {
    if (!DISCARDS.includes(text)) return
    for (const name of Object.keys(connection.parsedStatements ?? {}))
      if (name.startsWith('nc_')) forgetDiscarded(client, name)
  })
}

const GONE = /"(nc_[0-9a-f]+)"/

/**
 * The statement of ours that the session doesn't have any more: DISCARD ALL or DEALLOCATE ALL was run on a connection of the pool.
 * Nothing of it was done. `null`: it failed for another reason.
 */
export const discardedBy = (error: unknown): string | null => {
  const { code, message = '' } = (error ?? {}) as { code?: string; message?: string }
  return code === '26000' ? (GONE.exec(message)?.[1] ?? null) : null
}

/** The next time this client prepares a statement that the session doesn't have. Others it may have prepared since. */
export const forgetDiscarded = (client: Client, name: string): void => {
  shapes.get(client)?.delete(name)
  delete client.connection?.parsedStatements?.[name]
}

/** The next time this client prepares the statement anew. Not within a transaction that has failed. */
export const forget = async (client: Client, name: string): Promise<void> => {
  await client.query({ text: `deallocate "${name}"` })
  forgetDiscarded(client, name)
}

/**
 * Whether pg's client keeps what it has prepared where it is looked up here. Asked right after its own `query` has prepared
 * this statement.
 */
export const hasPrepared = ({ connection }: Client, name: string, text: string): boolean =>
  typeof connection?.stream?.write === 'function' && connection.parsedStatements?.[name] === text

/** Sends a statement that this client has prepared; `null`, and nothing is sent, where that is the driver's to do. */
export const sendBound = (
  client: Client,
  name: string,
  text: string,
  values: unknown[],
): Promise<Row[]> | null => {
  const shape = shapes.get(client)?.get(name)
  if (!shape || client.connection?.parsedStatements?.[name] !== text || client.binary || client.pipeline)
    return null
  const texts = textsOf(values)
  if (!texts) return null
  return new Promise((resolve, reject) => {
    const done: Done = (error, result) => (result ? resolve(result.rows) : reject(error))
    client.query(new BoundQuery(name, text, texts, shape, done))
  })
}

// A connection to the embedded server that gives its password to nobody. Any program that listens on a port may ask for a
// password in clear text, or for none; pg answers either.
// Invariant: only SCRAM is answered, in which neither side shows the password and the server proves that it knows it too
// (RFC 5802, 3). What connects is therefore the server of this data folder, and not what has taken its port.
import { Socket } from 'node:net'
import type { Client } from 'pg'
import { EMBEDDED_USER } from './os-account.ts'

/** The server on this port asked for something else than SCRAM, or could not prove that it knows the password. */
export class NotOurServer extends Error {}

const CONNECT_MS = 5_000
/** Far more than a server says before it is ready. */
const MAX_GREETING = 64_000

/** Messages and kinds of authentication (PostgreSQL, "Message Formats"). */
const AUTHENTICATION = 'R'.charCodeAt(0)
const READY = 'Z'.charCodeAt(0)
const OK = 0
const SASL = 10
const SASL_CONTINUE = 11
const SASL_FINAL = 12
const SCRAM = [SASL, SASL_CONTINUE, SASL_FINAL, OK]

/** Reads what a server says until it is ready. `false`: this is not SCRAM, or not PostgreSQL's protocol at all. */
const createScramCheck = () => {
  let step = 0
  let rest = Buffer.alloc(0)
  let isReady = false
  return (chunk: Buffer): boolean => {
    if (isReady) return true
    rest = Buffer.concat([rest, chunk])
    if (rest.length > MAX_GREETING) return false
    while (rest.length >= 5) {
      const length = rest.readInt32BE(1)
      if (length < 4 || length > MAX_GREETING) return false
      if (rest.length < 1 + length) return true
      if (rest[0] === READY) {
        isReady = step === SCRAM.length
        return isReady
      }
      if (rest[0] === AUTHENTICATION) {
        if (length < 8 || rest.readInt32BE(5) !== SCRAM[step]) return false
        step += 1
      }
      rest = rest.subarray(1 + length)
    }
    return true
  }
}

/** A connection that ends at anything but SCRAM; pg, which throws at malformed messages, doesn't get to see it. */
const scramSocket = (): Socket => {
  const socket = new Socket()
  const isScram = createScramCheck()
  const emit = socket.emit.bind(socket)
  socket.emit = (event: string, ...values: unknown[]) => {
    if (event !== 'data') return emit(event, ...values)
    if (socket.destroyed) return false
    if (isScram(values[0] as Buffer)) return emit(event, ...values)
    socket.destroy(new NotOurServer('It does not authenticate itself by SCRAM.'))
    return false
  }
  return socket
}

/** @throws {@link NotOurServer}, and what pg throws. */
export async function connectByScram(port: number, password: string): Promise<Client> {
  const { default: pg } = await import('pg')
  const client = new pg.Client({
    host: '127.0.0.1',
    port,
    user: EMBEDDED_USER,
    password,
    ssl: false,
    stream: scramSocket,
    database: 'postgres',
    application_name: 'noclobber reference',
    connectionTimeoutMillis: CONNECT_MS,
  })
  // The next query finds out that the server has died.
  client.on('error', () => {})
  try {
    await client.connect()
    return client
  } catch (error) {
    // Why it could not connect matters, not how that ended.
    await client.end().catch(() => {})
    throw error
  }
}

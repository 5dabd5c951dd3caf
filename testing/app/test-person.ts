// One person with a client on a line of their own, which a test cuts, slows down, or on which answers are lost.
import {
  type CreateTransport,
  createRecordClient,
  type Fields,
  type RecordClient,
  type RecordClientOptions,
  type RecordStore,
} from 'noclobber/client'
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts'
import { waitFor } from './wait-for.ts'

/** Where a transport under test connects. */
export interface TransportSetup {
  /** `http://127.0.0.1:PORT`: sockets at `/socket.io`, streams at `/api/v1/events`. */
  origin: string
  /** Whom it connects for, asked at each connection: sent as `Authorization: Bearer …` or as `auth.token`. */
  token: () => string | null
}

/** Options of a client, besides what follows from the person. */
export interface ClientOptions
  extends Omit<RecordClientOptions, 'url' | 'socketUrl' | 'token' | 'createTransport'> {
  /** A transport of your own instead of the client's. */
  transport?: (setup: TransportSetup) => CreateTransport
}

/** What {@link openPerson} takes: the client's own options besides. */
export interface PersonOptions extends ClientOptions {
  /** Where the routes are: `http://127.0.0.1:3000/api/v1`. */
  url: string
  /** Sent as `Authorization: Bearer …`, and in a socket's handshake. */
  token: string
}

/** The connection between one person and the server. What it does concerns nobody else. */
export interface Line {
  /** The server's URL by way of this line, for a browser: `await page.goto(alice.line.urlFor(server.origin))`. */
  urlFor(url: string): string
  /** Every connection ends, and none comes through. */
  cut(): void
  /** Connections stand, and nothing comes through. */
  freeze(): void
  /** Each part of what is sent, in both directions, takes so many milliseconds longer. */
  slow(ms: number): void
  /** The next writes reach the server, and their answers are lost. Default: one. Of this client alone, not of a browser. */
  dropAnswers(count?: number): void
  /** As a cable again; the client connects at once. */
  mend(): void
}

/** One person: {@link openPerson}. */
export interface TestPerson {
  /** Signed in as this person. */
  client: RecordClient
  /** Between them and the server: cut it, slow it down, drop answers. */
  line: Line
  /** Opens a record as a form does, and resolves when it is shown. It stays open until the person is closed. */
  edit<F extends object = Fields>(type: string, id: string): Promise<RecordStore<F>>
  /** Ends the client and the line. */
  close(): Promise<void>
}

const isWrite = (init?: RequestInit) => !/^(GET|HEAD)$/i.test(init?.method ?? 'GET')

/** Fails a write's answer on the way back as a broken connection does. */
const losingAnswers =
  (given: typeof fetch, isDropped: () => boolean): typeof fetch =>
  async (input, init) => {
    const answer = await given(input, init)
    if (!isWrite(init) || !isDropped()) return answer
    // Whether it came whole or not, it is dropped.
    await answer.arrayBuffer().catch(() => {})
    throw new TypeError('The answer was dropped by the test.')
  }

/** Opens a client for one person. Close it when the test is over. */
export async function openPerson({ url, token, transport, ...options }: PersonOptions): Promise<TestPerson> {
  const proxy: FaultProxy = await startFaultProxy(Number(new URL(url).port || 80))
  let dropped = 0
  const isDropped = () => dropped > 0 && dropped-- > 0
  const stops: (() => void)[] = []
  const lineUrl = proxy.urlFor(url)
  const client = createRecordClient({
    userId: () => token,
    ...options,
    ...(transport && { createTransport: transport({ origin: new URL(lineUrl).origin, token: () => token }) }),
    url: lineUrl,
    token: () => token,
    fetch: losingAnswers(options.fetch ?? fetch, isDropped),
  })
  return {
    client,
    line: {
      urlFor: proxy.urlFor,
      cut: () => proxy.set('refuse'),
      freeze: () => proxy.set('hole'),
      slow: proxy.delay,
      dropAnswers: (count = 1) => {
        dropped += count
      },
      mend: () => {
        proxy.set('pass')
        proxy.delay(0)
        client.reconnect()
      },
    },
    edit: async <F extends object>(type: string, id: string) => {
      const editor = client.editor<F>(type, id)
      stops.push(editor.subscribe(() => {}))
      await waitFor(() => editor.get().record, {
        what: () => `${type} ${id}; its editor is ${editor.get().status}`,
      })
      return editor
    },
    close: async () => {
      for (const stop of stops) stop()
      client.close()
      await proxy.stop()
    },
  }
}

// Adapters that are broken on purpose, one fault each: a kit that passes one of them is no test.
import type { CreateTransport, TransportEvent, TransportListener } from 'noclobber/client'
import { createMemoryStorage, type EditStorage } from 'noclobber/offline'
import type { OpenStorage } from './storage-checks.ts'

type Break<Adapter> = (sound: Adapter) => Adapter

/** A transport whose listener gets what this makes of each event. */
const withEvents =
  (pass: (event: TransportEvent, listener: TransportListener) => void): Break<CreateTransport> =>
  (create) =>
  (listener) =>
    create({ onStatus: listener.onStatus, onEvent: (event) => pass(event, listener) })

const isUpdate = (received: TransportEvent) => received.name === 'RecordUpdated'

/** Transports, made of a sound one. */
export const brokenTransports: Record<string, Break<CreateTransport>> = {
  'drops an event': (create) => (listener) => {
    let updates = 0
    return withEvents((event) => {
      if (isUpdate(event)) updates += 1
      if (!isUpdate(event) || updates % 2 === 1) listener.onEvent(event)
    })(create)(listener)
  },
  'delivers another record’s event': withEvents((received, listener) => {
    listener.onEvent(received)
    if (received.name === 'RecordUpdated')
      listener.onEvent({ ...received, event: { ...received.event, id: `${received.event.id}0` } })
  }),
  'delivers after it is closed': (create) => (listener) => {
    let isClosed = false
    const held = create({
      onStatus: (status, kind) => {
        if (status !== 'closed') listener.onStatus(status, kind)
      },
      onEvent: listener.onEvent,
    })
    return {
      ...held,
      id: () => (isClosed ? null : held.id()),
      close: () => {
        isClosed = true
        listener.onStatus('closed', null)
      },
    }
  },
  'says twice that it is lost': (create) => (listener) =>
    create({
      onEvent: listener.onEvent,
      onStatus: (status, kind) => {
        listener.onStatus(status, kind)
        if (status === 'lost') listener.onStatus(status, kind)
      },
    }),
  'answers watch with the versions of before': (create) => (listener) => {
    const held = create(listener)
    const answers = new Map<string, ReturnType<typeof held.watch>>()
    return {
      ...held,
      watch: (message) => {
        const key = JSON.stringify(message)
        if (held.id() === null) return held.watch(message)
        const answer = answers.get(key) ?? held.watch(message)
        answers.set(key, answer)
        return answer
      },
    }
  },
}

const storageOver =
  (change: (sound: EditStorage) => Partial<EditStorage>): Break<OpenStorage> =>
  (open) =>
  (name) => {
    const sound = open(name)
    return { ...sound, ...change(sound) }
  }

/** Storages, made of a sound one. */
export const brokenStorages: Record<string, Break<OpenStorage>> = {
  'loses a draft': storageOver((sound) => {
    let puts = 0
    return { put: async (entry) => (++puts % 2 === 1 ? sound.put(entry) : undefined) }
  }),
  'forgets everything with the page': () => () => createMemoryStorage(),
  'shows the drafts of others': storageOver((sound) => ({
    all: async () => [...(await sound.all('a')), ...(await sound.all('b'))],
  })),
  'gives one draft to two pages': storageOver((sound) => ({
    claim: async (key, entry) => {
      const isThere = (await sound.all(entry.person)).some((one) => one.key === key)
      await new Promise((resolve) => setTimeout(resolve, 20))
      await sound.remove(key)
      if (isThere) await sound.put(entry)
      return isThere
    },
  })),
}

type Change = (
  asked: { method: string; path: string; body: string },
  answer: Response,
) => Promise<Response> | Response

/** A server that changes some of its answers, and the requests before them. */
const serverOver =
  (change: Change, ask: (body: string) => string = (body) => body): Break<typeof fetch> =>
  (send) =>
  async (input, init) => {
    const body = typeof init?.body === 'string' ? init.body : ''
    const { pathname } = new URL(String(input))
    const answer = await send(input, body === '' ? init : { ...init, body: ask(body) })
    return change({ method: init?.method ?? 'GET', path: pathname, body }, answer)
  }

const changed = async (answer: Response, change: (body: { data: unknown[] }) => void): Promise<Response> => {
  const body = await answer.json()
  change(body)
  return new Response(JSON.stringify(body), { status: answer.status, headers: answer.headers })
}

const ofFeed = (change: (data: unknown[]) => void) =>
  serverOver(({ path }, answer) =>
    path.endsWith('/changes') ? changed(answer, ({ data }) => change(data)) : answer,
  )

/** Servers, as the `fetch` of a sound one. */
export const brokenServers: Record<string, Break<typeof fetch>> = {
  'answers a stale save with 200': serverOver(async ({ method }, answer) => {
    if (method !== 'PATCH' || answer.status !== 409) return answer
    const { current } = await answer.json()
    const headers = { 'content-type': 'application/json', etag: `"${current?.version}"` }
    return new Response(JSON.stringify({ data: current }), { status: 200, headers })
  }),
  'reorders the versions of a record': ofFeed((data) => data.reverse()),
  'drops a change from its feed': ofFeed((data) => data.splice(1, 1)),
  'has a change twice in its feed': ofFeed((data) => data.push(...data.slice(-1))),
  'makes a save again that is sent again': serverOver(
    (_, answer) => answer,
    (body) => JSON.stringify({ ...JSON.parse(body), mutation_id: undefined }),
  ),
  'saves without a guard': (send) => async (input, init) => {
    if (init?.method !== 'PATCH' || typeof init.body !== 'string') return send(input, init)
    const held = await send(input, { headers: init.headers ?? {} })
    const { data } = await held.json()
    const body = JSON.parse(init.body)
    return send(input, {
      ...init,
      body: JSON.stringify({ ...body, client_version: data?.version ?? body.client_version }),
    })
  },
}

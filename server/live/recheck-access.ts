// Permission over time: signing in and joining are judged once, and then again and again.
// Invariant: whoever may no longer be here, or no longer read what he watches, is out within one round.

import type { Authenticate, Log } from '../base/options.ts'
import type { Actor } from '../base/record-type.ts'
import { readTombstone, tenantOf } from '../records/read.ts'
import type { Database, KnownType } from '../tables/database.ts'
import { type Audience, revoke, type Watcher } from './watchers.ts'

export interface AccessOptions {
  database: Database
  audience: Audience
  authenticate: Authenticate
  recheckMs: number
  log: Log
}

/** Looking again at one audience. */
export interface Access {
  /** Looks now, at those who are chosen. What fails is logged. */
  look(isChosen?: (watcher: Watcher) => boolean): Promise<void>
  /** Ends connections whatever may be said for them. */
  end(isChosen: (watcher: Watcher) => boolean): void
  /** Looks no more. */
  stop(): void
}

const CHUNK = 500

/** Watched records that one round looks at; where there are more, rounds take turns. Delivery asks each time anyway. */
const MOST_A_ROUND = 5_000
const MOST_GONE_A_ROUND = 50

/** Watchers between two breaths: saves and events must not wait for a round, least of all for one after a herd. */
const WITHOUT_BREATH = 20
const breathe = () => new Promise<void>((resolve) => setImmediate(resolve))

type Choice = (watcher: Watcher) => boolean

const chosen = ({ audience }: AccessOptions, isChosen: Choice) =>
  [...audience.watchers().values()].filter(isChosen)

/** What differs between two connections of one person. */
const OF_CONNECTION = /^(sec-websocket-.*|connection|upgrade|content-length|last-event-id)$/

/** A request doesn't change, and there are thousands of them. */
const credentials = new WeakMap<object, string>()

/** Everything by which somebody may have signed in: two connections that agree in it are looked up once. */
const credentialsOf = ({ data }: Watcher): string => {
  const { headers, url = '' } = data.request
  const known = credentials.get(data.request)
  if (known !== undefined) return known
  const query = new URLSearchParams(url.split('?')[1])
  for (const name of ['EIO', 'transport', 't', 'sid']) query.delete(name)
  const text = JSON.stringify([
    Object.entries(headers).filter(([name]) => !OF_CONNECTION.test(name)),
    query.toString(),
  ])
  credentials.set(data.request, text)
  return text
}

const end = (watcher: Watcher) => {
  revoke(watcher, [...watcher.data.watching.keys()])
  watcher.disconnect(true)
}

/** Looks at every connection's sign-in again; ends those that have none or belong to another tenant now. */
const recheckActors = async (options: AccessOptions, isChosen: Choice) => {
  const { authenticate, log } = options
  const known = new Map<string, Promise<Actor | null>>()
  for (const [place, watcher] of chosen(options, isChosen).entries()) {
    if (place % WITHOUT_BREATH === WITHOUT_BREATH - 1) await breathe()
    const signedInBy = credentialsOf(watcher)
    const looked =
      known.get(signedInBy) ?? Promise.resolve(watcher.data.request).then(authenticate as Authenticate)
    known.set(signedInBy, looked)
    try {
      const actor = await looked
      const { id, tenantId } = watcher.data.actor
      if (!actor || actor.id !== id || actor.tenantId !== tenantId) end(watcher)
      else watcher.data.actor = actor
    } catch (error) {
      log.warn({ error }, 'A sign-in could not be looked at again.')
    }
  }
}

interface Watch {
  watcher: Watcher
  room: string
}

type Groups = Map<KnownType, Map<string, Map<string, Watch[]>>>

/** The watched records of one round, by type and tenant; and where the next round goes on. */
const watchedRecords = (options: AccessOptions, isChosen: Choice, from: number) => {
  const groups: Groups = new Map()
  const watchers = chosen(options, isChosen)
  let count = 0
  let at = 0
  for (; at < watchers.length && count < MOST_A_ROUND; at += 1) {
    const watcher = watchers[(from + at) % watchers.length] as Watcher
    for (const [room, watched] of watcher.data.watching) {
      const known = 'record' in watched ? options.database.typeOf(watched.record.type) : undefined
      if (!known || !('record' in watched)) continue
      count += 1
      const tenants = groups.get(known) ?? new Map<string, Map<string, Watch[]>>()
      groups.set(known, tenants)
      const tenantId = tenantOf(known, watcher.data.actor)
      const ids = tenants.get(tenantId) ?? new Map<string, Watch[]>()
      tenants.set(tenantId, ids)
      const watches = ids.get(watched.record.id) ?? []
      ids.set(watched.record.id, watches)
      watches.push({ watcher, room })
    }
  }
  return { groups, next: watchers.length === 0 ? 0 : (from + at) % watchers.length }
}

/** A record that isn't there was deleted, which its watchers may know; or it is another tenant's now, which they may not. */
const recheckGone = async (database: Database, known: KnownType, id: string, watches: Watch[]) => {
  for (const { watcher, room } of watches) {
    const { actor } = watcher.data
    if (!(await readTombstone(database, { known, actor, id, transaction: undefined })))
      revoke(watcher, [room])
  }
}

/** Looks at watched records with their rows in hand, one query a type and tenant for 500 records. */
const recheckRecords = async (database: Database, groups: Groups) => {
  for (const [known, tenants] of groups) {
    for (const [tenantId, watches] of tenants) {
      const ids = [...watches.keys()]
      for (let at = 0; at < ids.length; at += CHUNK) {
        const values = [ids.slice(at, at + CHUNK), ...(known.tenantColumn ? [tenantId] : [])]
        await breathe()
        const isSince = database.seen.mark()
        const gone = new Set(ids.slice(at, at + CHUNK))
        for (const row of await database.send(known.sql.readMany, values)) {
          const record = known.sql.toRecord(row)
          gone.delete(record.id)
          for (const { watcher, room } of watches.get(record.id) ?? []) {
            if (known.mayRead(watcher.data.actor, record)) continue
            // Whoever asks to be let in again must not be judged by what was seen of it before.
            database.seen.put(tenantId, record, isSince)
            revoke(watcher, [room])
          }
        }
        for (const id of [...gone].slice(0, MOST_GONE_A_ROUND)) {
          await recheckGone(database, known, id, watches.get(id) ?? [])
        }
      }
    }
  }
}

/** Rechecks every `recheckMs` until stopped. A round that fails is logged, and the next one tries again. */
export const recheckAccess = (options: AccessOptions): Access => {
  let busy = false
  let from = 0
  const look = async (isChosen: Choice, start: number) => {
    try {
      await recheckActors(options, isChosen)
      const { groups, next } = watchedRecords(options, isChosen, start)
      await recheckRecords(options.database, groups)
      return next
    } catch (error) {
      options.log.warn({ error }, 'Permissions could not be looked at again.')
      return start
    }
  }
  const round = async () => {
    if (busy) return
    busy = true
    from = await look(() => true, from)
    busy = false
  }
  const timer = setInterval(round, options.recheckMs)
  timer.unref()
  return {
    look: async (isChosen = () => true) => {
      await look(isChosen, 0)
    },
    end: (isChosen) => {
      for (const watcher of chosen(options, isChosen)) end(watcher)
    },
    stop: () => clearInterval(timer),
  }
}

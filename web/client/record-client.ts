// The client of one server for one tab: the only place where requests, connection, polling and open records are wired.
// `close` stops everything that it starts. It opens no connection before the first watcher.

import type { Fields, WireRecord, Writer } from '../../server/protocol/index.ts'
import { DEFAULT_BASE_PATH } from '../../server/protocol/index.ts'
import { browserPage, type Stop, systemClock } from './base/clock.ts'
import { createPerson } from './base/person.ts'
import { randomId } from './base/random-id.ts'
import { createServerTime } from './base/server-clock.ts'
import { createListeners } from './base/store.ts'
import { createTicker } from './base/ticker.ts'
import { createLateEvents } from './events/lazy-events.ts'
import { createEventListeners, createListWatching } from './events/list-watching.ts'
import { createReviews } from './history/lazy-reviews.ts'
import { createDatabaseHistory } from './http/database-history.ts'
import { createHttp } from './http/fetch-json.ts'
import { createLazyAppFetch } from './http/lazy-app-fetch.ts'
import { isNewRecord } from './http/new-record.ts'
import { observeOwnWrites } from './http/own-writes.ts'
import { type ClientSaveOptions, createRequests } from './http/requests.ts'
import { createLateLists, createListOpener } from './list/lazy-lists.ts'
import { createDeferredPresence } from './presence/lazy-presence.ts'
import { createOpenRecords } from './record/open-records.ts'
import type { RecordClient, RecordClientOptions } from './record-client-options.ts'
import { createBestTransport, transportsCode } from './transport/best-transport.ts'
import { type Connection, createConnection } from './transport/connection-status.ts'
import type { EventRouter, EventRouterOptions } from './transport/event-router.ts'
import { createLivenessCheck } from './transport/liveness-check.ts'
import { answerOf, type Polling, startPolling } from './transport/polling.ts'
import { createWatching } from './transport/subscriptions.ts'

/**
 * One client for the page.
 * @example
 * const client = createRecordClient({ userId: () => session.user.id })
 * const editor = client.editor<Project>('project', '1')
 * const stop = editor.subscribe(() => show(editor.get().status, editor.values()))
 * editor.change('name', 'Harbour bridge')
 * const outcome = await editor.save()
 */
export function createRecordClient(options: RecordClientOptions = {}): RecordClient {
  const { clock = systemClock, page = browserPage(), newId = randomId, onStale = 'merge' } = options
  const { url = DEFAULT_BASE_PATH, tabId = newId(), token = () => null, offline } = options
  const serverTime = createServerTime(clock)
  const databaseHistory = createDatabaseHistory((isFirst) => records.historyChanged(isFirst))
  const person = createPerson({ userId: options.userId, token })
  let polling: Polling | null = null
  let stopPage: (Stop | undefined)[] = []
  let stopOffline: (Stop | undefined)[] = []
  let isClosed = true
  let isSignedOutReported = false

  const isOwn = (by: Writer | null) => by?.kind === 'user' && by.id === person.id()
  const isColleague = (by: Writer | null) =>
    by !== null && person.id() !== null && (by.kind === 'database' || by.id !== person.id())
  const credentials = options.credentials ?? (options.token ? 'same-origin' : 'include')
  const fetchNow: typeof fetch = (input, init) => {
    const [send, asked] = [options.fetch ?? globalThis.fetch, { ...init, credentials }]
    return offline?.pass ? offline.pass(send, input, asked) : send(input, asked)
  }
  const ofPerson = { clock, checkPerson: person.check, epoch: person.epoch }
  /** How the server is reached, and as whom. */
  const access = { url, fetch: fetchNow, credentials, clock, tabId, token, person }
  const isLive = () => connection.state.get().status === 'live'
  const livenessCheck = createLivenessCheck(clock, () => isLive() && transport.reconnect())
  const transport = createBestTransport(options, { ...access, page })({
    onStatus(status, kind) {
      connection.transportChanged(status, kind)
      if (status === 'connected') watching.rejoin()
      else watching.forgetJoins()
      if (status === 'refused') reportSignedOut()
    },
    onEvent(event) {
      if (!person.check() || person.isNobody()) return
      livenessCheck.eventReceived()
      eventRouter ??= transportsCode.now()?.createEventRouter(routes)
      eventRouter?.receive(event)
    },
  })
  let eventRouter: EventRouter | undefined
  const listeners = createEventListeners()
  const routes: EventRouterOptions = {
    ...listeners,
    tabId,
    clock,
    localTime: serverTime.localTime,
    isOwn,
    isColleague,
    onRemoteVersion: (address, remote) => records.find(address)?.receive(remote),
    onRevoked(address) {
      presence.forget(address)
      records.find(address)?.dispatch({ kind: 'revoked' })
    },
    onPresence: (event) => presence.receive(event),
    onResync: () => watching.rejoin(),
    onAge: (age) => connection.aged(age),
  }
  const connection: Connection = createConnection(clock, page, () => polling?.poll(), serverTime)
  const watching = createWatching(transport, clock, {
    join: (rooms) => transportsCode.now()?.joinRooms(rooms),
    onJoined(age) {
      connection.joined(age)
      presence.joined()
    },
    onHistory: databaseHistory.learn,
  })
  const watchList = createListWatching(watching, listeners, start)
  const presence = createDeferredPresence({
    clock,
    page,
    send: async (message) => transport.presence?.(message) ?? null,
    sendTakeOver: async (message) => transport.takeOver?.(message) ?? null,
  })

  const http = createHttp({
    ...access,
    socketId: transport.id,
    timeoutMs: options.timeoutMs ?? 10_000,
    onAnswer(status, date, age) {
      serverTime.learn(date, age)
      if (status === 401) reportSignedOut()
      else if (status < 500) connection.reached()
      else if (status > 500) polling?.probe()
    },
    translate: offline?.translate,
  })
  const { requests, onOwnWrite, notifyOwnWrite } = observeOwnWrites(createRequests({ http, clock, newId }))
  const reviews = createReviews({ http, clock, newId, onSaved })
  const lists = createLateLists(() => client, { ...ofPerson, page, overlay: offline?.overlay })

  function onSaved(record: WireRecord, isShown = false) {
    if (!isShown) records.showOwn(record)
    notifyOwnWrite({ kind: 'saved', record })
  }

  /** The app has written by a route of its own, and this tab's events of it are dropped. */
  function onWritten(written: WireRecord[]) {
    for (const record of written) onSaved(record)
    if (isLive()) watching.refreshLists()
    polling?.poll()
  }

  function reportSignedOut() {
    connection.signedOut()
    if (isSignedOutReported) return
    isSignedOutReported = true
    options.onSignedOut?.()
  }

  /** The first watcher opens the connection; one that comes after `close` opens what that has closed. */
  function start() {
    if (polling) return
    open()
    polling = startPolling({
      clock,
      page,
      requests,
      due: () => (isLive() && !livenessCheck.isDue() ? watching.unjoined() : watching.records()),
      onDue: () => isLive() || watching.refreshLists(),
      all: () => watching.records(),
      onDifference(watcher, difference) {
        if (isLive() && watcher.version() !== difference.version) livenessCheck.missed()
        watcher.onAnswer(answerOf(watcher, difference))
      },
      onHistory: databaseHistory.learn,
      onResult: (result) => connection.polled(result),
      epoch: person.epoch,
    })
    stopPage = [
      page.onRestored?.(client.reconnect),
      page.onChange(() => {
        person.check()
        if (page.isVisible()) records.loadWaiting()
      }),
    ]
    transport.connect()
  }

  const records = createOpenRecords({
    requests: { ...requests, ...reviews },
    watching: {
      addRecord(watcher) {
        start()
        return isNewRecord(watcher.id) ? () => {} : watching.addRecord(watcher)
      },
    },
    ...ofPerson,
    newId,
    localTime: serverTime.localTime,
    isOwn,
    personId: person.id,
    asOf: () => connection.state.get().asOf,
    persistence: options.offline,
    onTransition: options.onTransition,
    onStale,
  })

  /** What is kept beyond the page is kept for as long as the client is open. */
  function open() {
    if (!isClosed) return
    isClosed = false
    stopOffline = [
      options.offline?.open({ client, records, person, clock, page }),
      connection.state.subscribe(() => {
        const { status } = connection.state.get()
        if (status === 'live' || status === 'behind' || status === 'polling') options.offline?.reachable()
      }),
    ]
  }

  const changes = createListeners()
  person.onLeft((before) => {
    records.leave(before)
    lists.now()?.leave()
    presence.leave()
    options.offline?.leave()
    changes.notify()
    queueMicrotask(restart)
  })
  person.onKnown(records.known)

  /** Events, records and lists of the current person. */
  function restart() {
    if (isClosed) return
    isSignedOutReported = false
    connection.signedIn()
    if (person.isNobody()) transport.close()
    else if (polling) transport.reconnect()
    records.reopen()
    options.offline?.reachable()
  }

  const lateEvents = createLateEvents({ clock, page, watchList, onOwnWrite, onPersonChanged: changes.add })
  const client: RecordClient = {
    ...requests,
    ...reviews,
    onStale,
    async save<F extends object = Fields>(type: string, id: string, change: ClientSaveOptions) {
      const outcome = await requests.save<F>(type, id, change)
      if (outcome.outcome === 'saved') records.showOwn(outcome.record as WireRecord, change.changes)
      return outcome
    },
    async remove(type, id, change) {
      const outcome = await requests.remove(type, id, change)
      if (outcome.outcome === 'removed') records.showOwnRemoval({ type, id }, change.clientVersion + 1)
      return outcome
    },
    tabId,
    presence,
    connection: {
      get: connection.state.get,
      subscribe(listener) {
        start()
        return connection.state.subscribe(listener)
      },
    },
    editor: records.editor,
    liveList: createListOpener(lists),
    onOwnWrite,
    seconds: createTicker(clock, page),
    onEvent: listeners.observers.add,
    watchList,
    onEvents: lateEvents.onEvents,
    fetch: createLazyAppFetch({
      parts: http.parts,
      tabId,
      socketId: transport.id,
      newId,
      onWritten,
      offline,
    }),
    reconnect() {
      const epoch = person.epoch()
      person.signedIn()
      if (epoch === person.epoch()) restart()
    },
    ...records.lost,
    personId: person.id,
    onPersonChanged: changes.add,
    localTime: serverTime.localTime,
    close() {
      isClosed = true
      polling?.stop()
      polling = null
      livenessCheck.stop()
      for (const stop of stopPage) stop?.()
      presence.close()
      records.close()
      for (const stop of stopOffline) stop?.()
      lists.close()
      lateEvents.close()
      lists.now()?.close()
      transport.close()
    },
  }
  open()
  return client
}

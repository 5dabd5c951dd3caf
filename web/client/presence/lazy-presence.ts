// Presence whose code is loaded on first use: when somebody asks who is here, announces something, or an event comes.

import { createLazyPart, lazyModule } from '../base/lazy-module.ts'
import { createObjectCache } from '../base/object-cache.ts'
import { createWritable, type Readable } from '../base/store.ts'
import { recordKey } from '../transport/subscriptions.ts'
import { NO_REQUESTS, NOBODY } from './nobody.ts'
import type { OwnedPresence, PresenceOptions } from './presence.ts'

export const presenceCode = lazyModule(() => import('./presence.ts'))

export function createDeferredPresence(options: Omit<PresenceOptions, 'createWritable'>): OwnedPresence {
  const part = createLazyPart(
    presenceCode,
    ({ createPresence }) => createPresence({ ...options, createWritable }),
    options.clock,
  )
  /** Before the code is here, the same question gives the same store. */
  const deferred = createObjectCache<Readable<unknown>>()
  const readable = <T>(key: string, of: (presence: OwnedPresence) => Readable<T>, empty: T): Readable<T> => {
    const here = part.now()
    if (here) return of(here)
    const known = deferred.find(key) as Readable<T> | undefined
    if (known) return known
    const store: Readable<T> = {
      get() {
        const presence = part.now()
        return presence ? of(presence).get() : empty
      },
      subscribe: (listener) =>
        part.use((presence) => {
          const stop = of(presence).subscribe(listener)
          listener()
          return stop
        }),
    }
    deferred.add(key, store)
    return store
  }
  /** Resolves when the part has done it. */
  const whenHere = (run: (presence: OwnedPresence) => Promise<void>) =>
    new Promise<void>((resolve, reject) => {
      part.use((presence) => void run(presence).then(resolve, reject))
    })
  return {
    people: (address) =>
      readable(`people ${recordKey(address)}`, (presence) => presence.people(address), NOBODY),
    announce: (address, doing) => part.use((presence) => presence.announce(address, doing)),
    takeOver: {
      at: (address) =>
        readable(`requests ${recordKey(address)}`, ({ takeOver }) => takeOver.at(address), NO_REQUESTS),
      ask: (address, person) => whenHere(({ takeOver }) => takeOver.ask(address, person)),
      answer: (address, answer) => whenHere(({ takeOver }) => takeOver.answer(address, answer)),
      goOn: (address) => void part.use(({ takeOver }) => void takeOver.goOn(address)),
      dismiss: (address) => void part.use(({ takeOver }) => void takeOver.dismiss(address)),
    },
    receive: (event) => void part.use((presence) => void presence.receive(event)),
    joined: () => part.now()?.joined(),
    forget: (address) => part.now()?.forget(address),
    leave: () => part.now()?.leave(),
    close() {
      part.close()
      part.now()?.close()
    },
  }
}

// Hands the page's one client, its words and its language to everything below. It owns none of them: the client
// is made and closed by the app, so that mounting twice or moving the provider cuts no connection.

import { createContext, type ReactNode, useContext, useMemo, useSyncExternalStore } from 'react'
import type { Readable } from '../client/base/store.ts'
import type { RecordClient } from '../client/record-client-options.ts'
import { createWords, type MessagesPatch, type Words } from '../client/words/messages.ts'

interface Live {
  client: RecordClient
  words: Words
}

const LiveContext = createContext<Live | null>(null)

export interface LiveProviderProps {
  client: RecordClient
  /** Texts to use instead of the English ones; pass the same object on each render. */
  messages?: MessagesPatch
  /** A BCP 47 tag for numbers, times and plurals. Default `en`. */
  locale?: string
  children?: ReactNode
}

/** The root of everything live on the page. */
export function LiveProvider({ client, messages, locale, children }: LiveProviderProps) {
  const live = useMemo(() => ({ client, words: createWords(messages, locale) }), [client, messages, locale])
  return <LiveContext value={live}>{children}</LiveContext>
}

/** The client and the words of the nearest provider. */
export function useLive(): Live {
  const live = useContext(LiveContext)
  if (!live) throw new Error('There is no <LiveProvider> above this component: wrap the app in one.')
  return live
}

/** The client of the nearest provider, for requests of one's own. */
export const useRecordClient = (): RecordClient => useLive().client

/**
 * Follows a store of the client. On a server, and until a page that came from one has come to life, it is `initial`: what the
 * server draws and what the page draws first are the same, and nobody's data is in it. It is the same object in each render.
 */
export function useStore<T>({ subscribe, get }: Readable<T>, initial: T): T {
  return useSyncExternalStore(subscribe, get, () => initial)
}

/** Time: a page that comes to life shows its own, and says so to React by `suppressHydrationWarning`. */
export const useNow = ({ subscribe, get }: Readable<number>): number =>
  useSyncExternalStore(subscribe, get, get)

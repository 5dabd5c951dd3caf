// Hands the page's one client, its words and its language to everything below. It owns none of them: the client
// is made and closed by the app, so that mounting twice or moving the provider cuts no connection.

import { createContext, type ReactNode, useContext, useMemo, useSyncExternalStore } from 'react'
import type { Readable } from '../../client/base/store.ts'
import type { RecordClient } from '../../client/record-client-options.ts'
import {
  createWords,
  type FormatValue,
  type MessagesPatch,
  type Words,
  wordsWith,
} from '../../client/words/messages.ts'
import { defaultParts, type Parts } from './parts.tsx'

interface Live {
  client: RecordClient
  words: Words
  parts: Parts
}

const LiveContext = createContext<Live | null>(null)

/** What {@link LiveProvider} takes. */
export interface LiveProviderProps {
  /** The page’s one client. */
  client: RecordClient
  /** Texts to use instead of the English ones; pass the same object on each render. */
  messages?: MessagesPatch
  /** A BCP 47 tag for numbers, times, lists and plurals. Default `en`. */
  locale?: string
  /** What fields are called, `{ due_on: 'Deadline' }`; pass the same object on each render, as of `formatValue`. */
  labels?: Record<string, string>
  /** How values are shown in dialogs and copies. */
  formatValue?: FormatValue
  /** Components of your design system instead of the plain ones; pass the same object on each render. */
  components?: Partial<Parts>
  /** The part of the app that uses records. */
  children?: ReactNode
}

/** The root of everything live on the page. */
export function LiveProvider(props: LiveProviderProps) {
  const { client, messages, locale, labels, formatValue, components, children } = props
  const live = useMemo(
    () => ({
      client,
      words: wordsWith(createWords(messages, locale), labels, formatValue),
      parts: { ...defaultParts, ...components },
    }),
    [client, messages, locale, labels, formatValue, components],
  )
  // React 18 has no other way.
  return <LiveContext.Provider value={live}>{children}</LiveContext.Provider>
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

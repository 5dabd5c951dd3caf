// The door `noclobber/devtools`: a panel that shows what a client does, for development.
// Invariant: what is built for production has nothing of it, unless `installDevtools` is called.

import type { RecordClient, RecordClientOptions } from '../client/record-client-options.ts'
import { createDevtools } from './devtools.ts'

/** Bundlers put a text in the place of `process.env.NODE_ENV`. */
declare const process: { env: { NODE_ENV?: string } }

/** How the panel is shown. */
export interface DevtoolsOptions {
  /** Where it is placed. Default: a button in the corner of the page, which opens it. */
  into?: HTMLElement | null
  /** Open from the start. Default `false`. */
  isOpen?: boolean
}

/** A client with its devtools: {@link installDevtools}. */
export interface Devtools {
  /** The one that the app uses. */
  client: RecordClient
  /** For requests of the app's own: they end with the line that the panel cuts, and are listed. */
  fetch: typeof fetch
  /** Shows the panel in this element, whose styles don't reach it; gives what takes it away. The code of the panel is loaded then. */
  mount(into: HTMLElement): () => void
  /** Everything that was noted, as JSON. */
  export(): string
}

type Create = (options: RecordClientOptions) => RecordClient

/**
 * A client, with the panel in development; in what is built for production just the client.
 *
 * @example
 * const client = withDevtools(createRecordClient, { userId: () => session.user.id })
 */
export function withDevtools(
  create: Create,
  options: RecordClientOptions = {},
  devtools: DevtoolsOptions = {},
): RecordClient {
  if (process.env.NODE_ENV === 'production') return create(options)
  return installDevtools(create, options, devtools).client
}

/** The same, in production too: for demos. `into: null`: the panel is shown by `mount` alone. */
export function installDevtools(
  create: Create,
  options: RecordClientOptions = {},
  { into, isOpen = false }: DevtoolsOptions = {},
): Devtools {
  const devtools = createDevtools(create, options)
  if (into !== null && typeof document !== 'undefined')
    void import('./corner.ts').then(({ showInCorner }) => {
      if (into) devtools.mount(into)
      else showInCorner(devtools.mount, isOpen)
    })
  return devtools
}

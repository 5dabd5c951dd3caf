// Wires a client to a journal and to a line that can fail, and the panel to both.

import type { RecordClient, RecordClientOptions } from '../client/record-client-options.ts'
import type { Inspected } from './inspected.ts'
import { createJournal } from './journal.ts'
import { cutOpen, fetchOn, openLine, takeSockets } from './line.ts'
import { noteRequests } from './seen-fetch.ts'

/** Its client is made by `create`, on the line. */
export function createDevtools(
  create: (options: RecordClientOptions) => RecordClient,
  options: RecordClientOptions,
) {
  const journal = createJournal()
  const line = openLine()
  takeSockets(line)
  const given = options.fetch ?? globalThis.fetch.bind(globalThis)
  const fetchByLine = noteRequests(fetchOn(line, given), (request) =>
    journal.add({ kind: 'request', at: Date.now(), request }),
  )
  const client = create({
    ...options,
    fetch: fetchByLine,
    onTransition: (step) => {
      journal.add({ kind: 'step', at: Date.now(), step })
      options.onTransition?.(step)
    },
  })
  client.onPersonChanged(journal.leave)
  client.onEvent((received) => journal.add({ kind: 'event', at: received.receivedAt, received }))

  const inspected: Inspected = {
    client,
    journal,
    line,
    switchLine(next) {
      Object.assign(line, next)
      cutOpen()
      if (!line.isCut && !line.isSignedOut && line.refuses === 'nothing') client.reconnect()
    },
    async forceConflict(type, id) {
      const { forceConflict } = await import('./force-conflict.ts')
      const state = client.editor(type, id).get()
      return forceConflict({ type, id, state }, options, given).catch((error: Error) => error.message)
    },
  }

  return {
    client,
    fetch: fetchByLine,
    export: journal.text,
    mount(into: HTMLElement): () => void {
      let isGone = false
      let remove = () => {}
      void import('./panel.ts').then(({ createPanel }) => {
        if (!isGone) remove = createPanel(into, inspected)
      })
      return () => {
        isGone = true
        remove()
      }
    },
  }
}

// What the client lets `noclobber/offline` do with it.

import { createBySave, isNewRecord } from '../http/new-record.ts'
import type { DraftClient, DraftParts } from '../record/draft-persistence.ts'
import { sendWrite } from '../record/pending-writes.ts'

/** Drafts belong to the user that the app has named, and to nobody else. */
export const draftClient = ({ client, records, person, clock, page }: DraftParts): DraftClient => ({
  tabId: client.tabId,
  userId() {
    const id = person.id()
    return person.isNamed() ? id : null
  },
  clock,
  page,
  resume: (address) => records.of(address).resume(),
  recall: (address) => records.of(address).recall(),
  send: (address, mutation) =>
    isNewRecord(address.id)
      ? createBySave(client, address, mutation)
      : sendWrite({ address, requests: client, onStale: client.onStale }, mutation),
  bringBack: (address, edits, isNewest = false) =>
    records.of(address).dispatch({ kind: 'recalled', edits, isNewest }),
  discard: records.discard,
  async becomes(address, id) {
    const store = records.find(address)
    const answer = store && (await client.read(address.type, id))
    if (answer?.outcome === 'found') store?.becomes(answer.record)
  },
  remove: (address) => void records.of(address).remove(),
  saveMany: client.saveMany,
  fetch: client.fetch,
})

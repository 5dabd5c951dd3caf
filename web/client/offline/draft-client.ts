// What the client lets `noclobber/offline` do with it.

import type { Clock, Page } from '../base/clock.ts'
import type { Person } from '../base/person.ts'
import type { Reviews } from '../history/reviews.ts'
import { createBySave, isNewRecord } from '../http/new-record.ts'
import type { Requests } from '../http/requests.ts'
import type { DraftClient } from '../record/draft-persistence.ts'
import type { OpenRecords } from '../record/open-records.ts'
import { sendWrite } from '../record/pending-writes.ts'

interface DraftClientOptions {
  client: Pick<Requests, 'create' | 'save' | 'remove'> &
    Pick<Reviews, 'restoreVersion' | 'propose'> &
    Pick<DraftClient, 'tabId' | 'fetch'> & { onStale: 'reject' | 'merge' }
  records: Pick<OpenRecords, 'of' | 'discard'>
  person: Pick<Person, 'id' | 'isNamed'>
  clock: Clock
  page: Page
}

/** Drafts belong to the user that the app has named, and to nobody else. */
export const draftClient = ({ client, records, person, clock, page }: DraftClientOptions): DraftClient => ({
  tabId: client.tabId,
  userId() {
    const id = person.id()
    return person.isNamed() ? id : null
  },
  clock,
  page,
  resume: (address) => records.of(address).resume(),
  send: (address, mutation) =>
    isNewRecord(address.id)
      ? createBySave(client, address.type, mutation)
      : sendWrite({ address, requests: client, onStale: client.onStale }, mutation),
  bringBack: (address, edits) => records.of(address).dispatch({ kind: 'recalled', edits }),
  discard: records.discard,
  fetch: client.fetch,
})

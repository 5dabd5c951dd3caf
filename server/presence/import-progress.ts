// How far imports are, sent to those who watch a list of the type, on every node.
// Invariant: only users who may read every record of the type are sent it, since it isn't known yet which ones it will be;
// and nobody waits for it: a message that doesn't arrive changes nothing.

import type { Actor } from '../base/record-type.ts'
import { staticPermission } from '../base/static-permission.ts'
import type { Backplane } from '../cluster/backplane.ts'
import { shortName } from '../cluster/node-messages.ts'
import { listRoomsIn } from '../live/rooms.ts'
import { type Audience, isAdmitted, isWriters } from '../live/watchers.ts'
import type { ImportProgress } from '../protocol/bulk-and-import.ts'
import type { ImportingEvent } from '../protocol/import-progress.ts'
import type { Writer } from '../protocol/record.ts'
import type { Database } from '../tables/database.ts'
import { tenantOf } from '../tables/tenant.ts'
import { readImporting } from './node-messages.ts'

/** A shorter import sends no progress. */
const EVERY_MS = 1_000

const MESSAGE = 'importing'

export interface ImportProgressOptions {
  database: Database
  backplane: Backplane
  audiences(): Iterable<Audience>
}

/** An import that begins. */
export interface BegunImport {
  type: string
  importId: string
  actor: Actor
  tabId: string | null
  totalBytes: number | null
}

/** Publishes the progress of one import. */
export interface ImportProgressReport {
  publish(progress: ImportProgress): void
  end(): void
}

export const createImportProgress = ({ database, backplane, audiences }: ImportProgressOptions) => {
  const publishIn = (audience: Audience, event: ImportingEvent) => {
    const known = database.typeOf(event.type, event.tenant_id ?? '')
    if (!known) return
    const sentTo = new Set<string>()
    for (const room of listRoomsIn(audience.rooms().keys(), event.tenant_id ?? '', event.type).keys()) {
      for (const id of audience.rooms().get(room) ?? []) {
        const watcher = audience.watchers().get(id)
        if (!watcher || sentTo.has(id) || !isAdmitted(known, watcher, room, event.tenant_id ?? '')) continue
        sentTo.add(id)
        const isOwn = isWriters(watcher, {
          socketId: null,
          tenantId: event.tenant_id,
          tabId: event.tab_id,
          updatedBy: event.updated_by,
        })
        // Of records for an audience it is known only to the importer whose they will be.
        const type = known.audience && isOwn ? known.openType : known.type
        if (staticPermission(type, watcher.data.actor, 'read')) {
          watcher.emit('RecordsImporting', isOwn ? event : { ...event, tab_id: null })
        }
      }
    }
  }

  const publishHere = (event: ImportingEvent) => {
    for (const audience of audiences()) publishIn(audience, event)
  }

  backplane.on(MESSAGE, readImporting, publishHere)

  return (begun: BegunImport): ImportProgressReport => {
    const { type, importId, actor, tabId, totalBytes } = begun
    let lastAt = performance.now()
    let last: ImportingEvent | null = null
    const send = (event: ImportingEvent) => {
      last = event
      publishHere(event)
      backplane.send(MESSAGE, event)
    }
    return {
      publish: ({ phase, rows, written, bytes }) => {
        const known = database.typeOf(type, actor.tenantId)
        const now = performance.now()
        if (!known || now - lastAt < EVERY_MS) return
        lastAt = now
        const by: Writer = { id: actor.id, name: shortName(actor.name), kind: 'user' }
        const tenantId = tenantOf(known, actor) || null
        const progress = { phase, rows, written, bytes, total_bytes: totalBytes }
        send({ tenant_id: tenantId, type, import_id: importId, ...progress, updated_by: by, tab_id: tabId })
      },
      end: () => {
        if (last) send({ ...last, phase: 'ended' })
      },
    }
  }
}

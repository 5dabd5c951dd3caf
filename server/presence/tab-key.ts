// The name of a tab that has no socket, among all tabs at a record: on an event stream, or polling.
import { createHash } from 'node:crypto'
import type { Actor } from '../base/record-type.ts'

/** Of one person's tab; of no length of its own. */
export const tabKey = ({ tenantId, id }: Actor, tabId: string): string =>
  `tab ${createHash('sha256')
    .update(JSON.stringify([tenantId, id, tabId]))
    .digest('base64url')}`

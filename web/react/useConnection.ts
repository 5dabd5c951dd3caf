// The connection's state for components: how changes arrive, and as of when what is shown holds.

import { useSyncExternalStore } from 'react'
import type { ConnectionState } from '../client/transport/connection-status.ts'
import { useRecordClient } from './LiveProvider.tsx'

/** Follows the client's connection. */
export function useConnection(): ConnectionState {
  const { connection } = useRecordClient()
  return useSyncExternalStore(connection.subscribe, connection.get, connection.get)
}

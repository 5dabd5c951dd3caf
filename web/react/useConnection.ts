// The connection's state for components: how changes arrive, and as of when what is shown holds.

import { type ConnectionState, initialConnection } from '../client/transport/connection-status.ts'
import { useRecordClient, useStore } from './base/LiveProvider.tsx'

/** Follows the client's connection. */
export function useConnection(): ConnectionState {
  const { connection } = useRecordClient()
  return useStore(connection, initialConnection)
}

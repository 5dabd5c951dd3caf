// Clients without a server, each in one state: what a part shows of it stands still.
import {
  type ConnectionState,
  createRecordClient,
  type LostSave,
  type PresentPerson,
  type Readable,
  type RecordClient,
  type TakeOverState,
} from 'noclobber/client'

const still = <T>(value: T): Readable<T> => ({ get: () => value, subscribe: () => () => {} })

const nobody = createRecordClient({
  createTransport: () => ({
    connect: () => {},
    reconnect: () => {},
    id: () => null,
    watch: async () => null,
    unwatch: async () => {},
    close: () => {},
  }),
  fetch: () => new Promise(() => {}),
})

const NO_REQUESTS: TakeOverState = { asker: null, asked: null, hasHandedOver: false }

export const clientOf = (shown: {
  status?: ConnectionState['status']
  people?: readonly PresentPerson[]
  requests?: Partial<TakeOverState>
  lost?: readonly LostSave[]
}): RecordClient => {
  const people = still(shown.people ?? [])
  const requests = still({ ...NO_REQUESTS, ...shown.requests })
  return {
    ...nobody,
    lostSaves: still(shown.lost ?? []),
    connection: still({
      status: shown.status ?? 'live',
      transport: null,
      asOf: null,
      lastCheckedAt: Date.now() - 240_000,
    }),
    presence: {
      people: () => people,
      announce: () => () => {},
      takeOver: {
        ...nobody.presence.takeOver,
        at: () => requests,
      },
    },
  }
}

// Component tests wait for what they look for as long as a slow and busy machine needs. The code that a client loads to connect, and
// once a record is open, is here before they begin: an event that a test's own transport delivers is received at once.
import { configure } from '@testing-library/react'
import { recordEventsCode } from '../../web/client/events/lazy-events.ts'
import { reducerCode } from '../../web/client/record/store.ts'
import { transportsCode } from '../../web/client/transport/best-transport.ts'

await Promise.all([transportsCode.load(), reducerCode.load(), recordEventsCode.load()])

configure({ asyncUtilTimeout: 20_000 })

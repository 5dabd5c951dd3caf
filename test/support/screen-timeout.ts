// Component tests wait for what they look for as long as a slow and busy machine needs. The code that a client loads to connect
// is here before they begin: an event that a test's own transport delivers is received at once.
import { configure } from '@testing-library/react'
import { transportsCode } from '../../web/client/transport/best-transport.ts'

await transportsCode.load()

configure({ asyncUtilTimeout: 20_000 })

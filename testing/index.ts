// The door `noclobber/testing`: what an app's own tests stand on, and what adapters of the toolkit must do. For any test runner.

export { createFastClock, createManualClock, type ManualClock } from './app/clocks.ts'
export { type Fault, type FaultProxy, startFaultProxy } from './app/fault-proxy.ts'
export { startTestDatabase, type TestDatabase, type TestDatabaseOptions } from './app/test-database.ts'
export {
  type ClientOptions,
  type Line,
  openPerson,
  type PersonOptions,
  type TestPerson,
  type TransportSetup,
} from './app/test-person.ts'
export { startTestServer, type TestServer, type TestServerOptions } from './app/test-server.ts'
export { type WaitOptions, waitFor } from './app/wait-for.ts'
export { brokenServers, brokenStorages, brokenTransports } from './conformance/broken.ts'
export type { Check, Kit, Report } from './conformance/check.ts'
export { type ClientKitOptions, clientKit } from './conformance/client-kit.ts'
export type { ServerKitOptions } from './conformance/server-calls.ts'
export { serverKit } from './conformance/server-kit.ts'
export { type OpenStorage, STORAGE_CHECKS } from './conformance/storage-checks.ts'
export { type StorageKitOptions, storageKit } from './conformance/storage-kit.ts'
export { transportKit } from './conformance/transport-kit.ts'
export type { TransportKitOptions } from './conformance/transport-scene.ts'

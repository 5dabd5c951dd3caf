// The door `noclobber/server`.
export { createAppServer, type ExpressApp } from './app-server.ts'
export type { Aborted, BulkTarget, SavedMany, SaveManyOptions, SaveManyOutcome } from './bulk-save.ts'
export type { CreateOptions } from './create.ts'
export { type EmbeddedPostgres, startEmbeddedPostgres } from './db/embedded-postgres.ts'
export { type Diagnosis, type DoctorOptions, doctor } from './doctor.ts'
export type { DrainOptions } from './drain.ts'
export type { Finding, FindingCode } from './finding.ts'
export type { Health, HealthCheck } from './health.ts'
export type { Imported, ImportOptions, ImportOutcome, ImportRefused } from './import.ts'
export type { ImportFormat } from './import-rows.ts'
export type { Metrics } from './metrics.ts'
export {
  type Authenticate,
  DEFAULT_LIMITS,
  type Limits,
  type Log,
  type RecordServerOptions,
} from './options.ts'
export type {
  Conflict,
  Created,
  CreateOutcome,
  Forbidden,
  Found,
  FoundHistory,
  FoundVersion,
  Gone,
  HistoryOutcome,
  Invalid,
  Missing,
  ReadOutcome,
  Refused,
  Removed,
  RemoveOutcome,
  Reused,
  Saved,
  SaveOutcome,
  VersionOutcome,
} from './outcomes.ts'
export type {
  ChangedValues,
  ClientMessages,
  CreateBody,
  DeletedProblem,
  FieldError,
  Fields,
  HistoryEvent,
  ImportEvent,
  ImportingEvent,
  InvalidProblem,
  ListAddress,
  ListAnswer,
  ListDelta,
  PresenceAnswer,
  PresenceEvent,
  PresenceMessage,
  PresenceState,
  PresentPerson,
  Problem,
  ProblemCode,
  RecordAddress,
  RecordEvent,
  RecordEventName,
  RefusedMessage,
  RevokedEvent,
  SaveBody,
  Scope,
  ServerEvents,
  StaleProblem,
  TakeOverAnswer,
  TakeOverEvent,
  TakeOverMessage,
  TakeOverWord,
  WatchAnswer,
  WatchedList,
  WatchedRecord,
  WatchMessage,
  WireHistoryEntry,
  WireRecord,
  WireVersion,
  WireVersionDifference,
  Writer,
  WriterKind,
} from './protocol.ts'
export type {
  BulkBody,
  BulkEntry,
  BulkProblem,
  ImportAnswer,
  ImportComplaint,
  ImportProblem,
  ImportProgress,
} from './protocol-many.ts'
export { type Pruned, type PruneOptions, pruneLog } from './prune.ts'
export { type Attached, createRecordServer, type RecordServer } from './record-server.ts'
export {
  type Action,
  type Actor,
  type Can,
  defineRecordType,
  type PermissionRecord,
  type RecordType,
  type RecordTypeOptions,
} from './record-type.ts'
export type { RedisClient } from './redis.ts'
export type { RemoveOptions } from './remove.ts'
export type { RevokeOptions } from './revoke.ts'
export type { SaveOptions } from './save.ts'
export type { WriteOptions } from './write.ts'

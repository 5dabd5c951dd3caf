// The door `noclobber/server`.

export {
  type Authenticate,
  DEFAULT_LIMITS,
  type Limits,
  type Logger,
  type RecordServerOptions,
  type RedisClient,
} from './base/options.ts'
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
  NoLongerKnown,
  PastOutcome,
  ReadOutcome,
  Refused,
  Removed,
  RemoveOutcome,
  Reused,
  Saved,
  SaveOutcome,
  VersionOutcome,
} from './base/outcomes.ts'
export type { PgClient, PgPool, Transaction } from './base/pg.ts'
export {
  type Action,
  type Actor,
  type AudienceOptions,
  type Can,
  type Derive,
  defineRecordType,
  type GuardedField,
  type PermissionRecord,
  type RecordType,
  type RecordTypeOptions,
} from './base/record-type.ts'
export type { RevokeOptions } from './base/revoke-options.ts'
export { DEFAULT_SHORTCUTS, type Shortcuts } from './base/shortcuts.ts'
export { type Diagnosis, type DoctorOptions, doctor } from './doctor/doctor.ts'
export type { Finding, FindingCode } from './doctor/finding.ts'
export { type EmbeddedPostgres, startEmbeddedPostgres } from './embedded-postgres/index.ts'
export type { DeletedOutcome, DeletedQuery } from './history/deleted-records.ts'
export type { RestoreOptions, RestoreOutcome } from './history/restore-options.ts'
export { type AppServerOptions, createAppServer, type ExpressApp } from './http/app-server.ts'
export { type RequestContext, requestContext } from './http/request-context.ts'
export type { Imported, ImportOptions, ImportOutcome, ImportRefused } from './import/import.ts'
export type { ImportFormat } from './import/parse.ts'
export type { UndoImportOptions, UndoImportOutcome } from './import/undo-import.ts'
export { type Erased, erasePerson, eraseRecord } from './log/erase.ts'
export { type Pruned, type PruneOptions, pruneLog } from './log/prune.ts'
export type { DrainOptions } from './node/drain.ts'
export type { Health, HealthCheck } from './node/health.ts'
export type { Metrics } from './node/metrics.ts'
export type { Callers } from './operations/callers-options.ts'
export type {
  AcceptOptions,
  AcceptOutcome,
  Decided,
  RejectOptions,
  RejectOutcome,
} from './proposals/decide.ts'
export type { OpenProposalsOutcome, OpenProposalsQuery } from './proposals/open-proposals.ts'
export type { ProposalsOutcome, Proposed, ProposeOptions, ProposeOutcome } from './proposals/propose.ts'
export type { ProposalQuery } from './proposals/stored-proposals.ts'
export type {
  BulkBody,
  BulkEntry,
  BulkProblem,
  ImportAnswer,
  ImportProblem,
  ImportProgress,
  ImportRowError,
  UndoImportAnswer,
  UndoneRow,
} from './protocol/bulk-and-import.ts'
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
  ProposalEvent,
  ProposalState,
  ProposeBody,
  RecordAddress,
  RecordEvent,
  RecordEventName,
  RefusedMessage,
  RestoreBody,
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
  WireDeleted,
  WireHistoryEntry,
  WireOpenProposal,
  WireProposal,
  WireRecord,
  WireVersion,
  WireVersionDifference,
  Writer,
  WriterKind,
} from './protocol/index.ts'
export { createRecordServer } from './record-server.ts'
export type { Attached, AttachOptions, RecordServer } from './record-server-interface.ts'
export type { CreateOptions } from './records/create.ts'
export type { WriteOptions } from './records/idempotency.ts'
export type { RemoveOptions } from './records/remove.ts'
export type { SaveOptions } from './records/save.ts'
export type { Aborted, BulkTarget, SavedMany, SaveManyOptions, SaveManyOutcome } from './records/save-many.ts'

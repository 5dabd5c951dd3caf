// The door `noclobber/client`: everything that a program without React needs, listed by hand.

export type { UndoneRow } from '../../server/protocol/bulk-and-import.ts'
export type {
  ChangedCount,
  CountedType,
  DeletedProblem,
  FieldError,
  Fields,
  ImportEvent,
  ImportingEvent,
  MayDecide,
  PresenceState,
  PresentPerson,
  Problem,
  ProblemCode,
  ProposalEvent,
  ProposalState,
  RecordAddress,
  RecordEvent,
  RecordEventName,
  RevokedEvent,
  Scope,
  StaleProblem,
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
} from '../../server/protocol/index.ts'
export type { Clock, Page, Stop } from './base/clock.ts'
export type { Merged } from './base/merge-values.ts'
export { mergeValues } from './base/merge-values.ts'
export type { Readable } from './base/store.ts'
export { conflictFor } from './conflict/conflict-fields.ts'
export type { Choice, Choices } from './conflict/conflict-resolution.ts'
export { loadTextDiff, resolutionOf, sideOf, undecided } from './conflict/conflict-resolution.ts'
export type { ConflictField, ConflictView, Side } from './conflict/conflict-view.ts'
export { editsAsText, valueText } from './conflict/conflict-view.ts'
export type { ChangedSinceOptions, CountingClient } from './events/changed-since.ts'
export type { ChangedCounted, ChangedSince } from './events/changed-state.ts'
export { invalidateOn } from './events/invalidate-on.ts'
export type { LastLooks, LastLooksStorage } from './events/last-looks.ts'
export type { ChangedSinceStore } from './events/lazy-changed.ts'
export { changedSince } from './events/lazy-changed.ts'
export type { ListToWatch } from './events/list-watching.ts'
export type { OnRecordEvents, RecordChanges, RecordEventsOptions } from './events/record-events.ts'
export type {
  AcceptProposalOptions,
  ClientPastOutcome,
  ClientProposeOutcome,
  ClientUndoImportOptions,
  ClientUndoImportOutcome,
  DeletedPage,
  Moment,
  OpenProposalsPage,
  ProposalsPage,
  RestoreVersionOptions,
} from './history/reviews.ts'
export type { ChangeBatch, FollowedChanges, FollowOptions } from './http/follow-changes.ts'
export { FollowRefusedError, followChanges } from './http/follow-changes.ts'
export type {
  FileImported,
  FileProblem,
  ImportFileOptions,
  ImportFileOutcome,
  ImportFileProgress,
  RowError,
} from './http/import-outcomes.ts'
export type { Comparison, ListPage, ListQuery, Where, WhereValue } from './http/list-page.ts'
export type { ClientSaveManyOptions } from './http/more-requests.ts'
export type { NewRecordOptions } from './http/new-record.ts'
export { isNewRecord, newRecordId } from './http/new-record.ts'
export type {
  ClientConflict,
  ClientCreateOutcome,
  ClientInvalid,
  ClientReadOutcome,
  ClientRemoveOutcome,
  ClientSaveManyOutcome,
  ClientSaveOutcome,
  FetchOutcome,
  Refusal,
  UndoneRecord,
} from './http/outcomes.ts'
export type { AppFetch, AppRequestInit } from './http/queued-request.ts'
export type { ClientSaveOptions } from './http/requests.ts'
export type { CellEdit, CellEditor, SavedCell } from './list/cell-editor.ts'
export { cellConflict, cellSentence, createCellEditor } from './list/cell-editor.ts'
export type { ListWindow, UnsentRow } from './list/initial-state.ts'
export type { LiveCount, LiveCountQuery } from './list/live-count.ts'
export { compareRecords } from './list/order.ts'
export type { LiveListQuery } from './list/query.ts'
export type { ListState, ListTrouble, RowHighlight } from './list/state.ts'
export { isBarShown, waitingCount } from './list/state.ts'
export type { ListStore } from './list/store.ts'
export type { ListOverlay, OverlaidList, WindowMoves } from './list/store-options.ts'
export type { LostSave } from './lost/types.ts'
export type { Doing, Presence } from './presence/presence.ts'
export type { OtherPerson, TakeOver, TakeOverState } from './presence/take-over.ts'
export { autosave } from './record/autosave.ts'
export type { Banner, BannerAction, BannerOptions, BannerPart } from './record/banner.ts'
export { bannerFor } from './record/banner.ts'
export type { DraftClient, DraftParts, DraftPersistence } from './record/draft-persistence.ts'
export { newerFields } from './record/remote-versions.ts'
export type { Kept, Mutation, NewerVersion, RecordState, RecordStatus, UnsentEdits } from './record/state.ts'
export { canSave, valuesOf } from './record/state.ts'
export type { Decision, RecordStore } from './record/store.ts'
export type { RecordTransition } from './record/store-options.ts'
export { createRecordClient } from './record-client.ts'
export type { RecordClient, RecordClientOptions } from './record-client-options.ts'
export type { TextEdit, TextPart } from './text/text-diff.ts'
export type { ConnectionState, ConnectionStatus } from './transport/connection-status.ts'
export type { ListEvent, ReceivedEvent } from './transport/event-router.ts'
export type {
  CreateTransport,
  Transport,
  TransportEvent,
  TransportKind,
  TransportListener,
  TransportStatus,
} from './transport/transport.ts'
export type { ChangedMessages } from './words/changed-messages.ts'
export { germanMessages } from './words/german.ts'
export { germanChangedMessages } from './words/german-changed-messages.ts'
export type { FormatValue, Messages, MessagesPatch, Plural, Words } from './words/messages.ts'
export { createWords, englishMessages, labelOf, listFields, whoWrote } from './words/messages.ts'
export type { PartMessages } from './words/part-messages.ts'
export { englishPartMessages } from './words/part-messages.ts'
export { timeAgo, timeOfDay } from './words/time-ago.ts'

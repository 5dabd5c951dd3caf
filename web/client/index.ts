// The door `noclobber/client`: everything that a program without React needs, listed by hand.

export type {
  DeletedProblem,
  FieldError,
  Fields,
  ImportEvent,
  ImportingEvent,
  PresenceState,
  PresentPerson,
  Problem,
  ProblemCode,
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
  WireHistoryEntry,
  WireRecord,
  WireVersion,
  WireVersionDifference,
  Writer,
  WriterKind,
} from '../../server/protocol.ts'
export { autosave } from './autosave.ts'
export type { Banner, BannerAction, BannerOptions, BannerPart } from './banner.ts'
export { bannerFor } from './banner.ts'
export type { CellEdit, CellEditor } from './cell-editor.ts'
export { cellSentence, createCellEditor } from './cell-editor.ts'
export type { Clock, Page, Stop } from './clock.ts'
export type { ConflictField, ConflictView, Side } from './conflict.ts'
export { conflictFor, editsAsText, valueText } from './conflict.ts'
export type { ConnectionState, ConnectionStatus } from './connection.ts'
export type { EditKeeper, KeptClient } from './edit-keeper.ts'
export type { ChangeBatch, FollowedChanges, FollowOptions } from './follow-changes.ts'
export { FollowRefusedError, followChanges } from './follow-changes.ts'
export type {
  FileImported,
  FileProblem,
  ImportFileOptions,
  ImportFileOutcome,
  ImportFileProgress,
  RowComplaint,
} from './import-outcomes.ts'
export type { ListNews, ReceivedEvent } from './inbox.ts'
export { compareRecords } from './list-order.ts'
export type { LiveListQuery } from './list-query.ts'
export type { ListState, ListTrouble, RowGlow } from './list-state.ts'
export { isBarShown, waitingCount } from './list-state.ts'
export type { ListStore } from './list-store.ts'
export type { Merged } from './merge.ts'
export { mergeValues } from './merge.ts'
export type { Messages, MessagesPatch, Plural, Words } from './messages.ts'
export { createWords, englishMessages, labelOf, listFields, whoWrote } from './messages.ts'
export type {
  Conflict,
  CreateOutcome,
  FetchOutcome,
  Invalid,
  ReadOutcome,
  Refusal,
  RemoveOutcome,
  SaveManyOutcome,
  SaveOutcome,
} from './outcomes.ts'
export type { Doing, Presence } from './presence.ts'
export type { ListToWatch, RecordClient } from './record-client.ts'
export { createRecordClient } from './record-client.ts'
export type { RecordClientOptions } from './record-client-options.ts'
export type { Kept, Mutation, News, RecordState, RecordStatus, UnsentEdits } from './record-facts.ts'
export { canSave, newsFields, valuesOf } from './record-facts.ts'
export type { Decision, RecordStore } from './record-store.ts'
export type { ListPage, ListQuery, SaveManyOptions, SaveOptions } from './requests.ts'
export type { Choice, Choices } from './resolver.ts'
export { loadTextDiff, resolutionOf, sideOf, undecided } from './resolver.ts'
export type { Readable } from './store.ts'
export type { OtherPerson, TakeOver, TakeOverState } from './take-over.ts'
export type { TextEdit, TextPart } from './text-diff.ts'
export { timeAgo, timeOfDay } from './time-ago.ts'
export type {
  CreateTransport,
  Transport,
  TransportEvent,
  TransportKind,
  TransportListener,
  TransportStatus,
} from './transport.ts'

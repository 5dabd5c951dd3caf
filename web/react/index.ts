// The door `noclobber/react`: the framework-free client bound to React. Styles are `noclobber/styles.css`.
'use client'

export type { FieldProps, FormProps, InputChange, InputKind, SaveButtonProps } from './base/field-props.ts'
export { isComposing } from './base/field-props.ts'
export type { LiveProviderProps } from './base/LiveProvider.tsx'
export { LiveProvider, useRecordClient } from './base/LiveProvider.tsx'
export type {
  BannerPartProps,
  ButtonPartProps,
  DialogPartProps,
  Parts,
  PersonPartProps,
  Tone,
} from './base/parts.tsx'
export type { TimeAgoProps } from './base/TimeAgo.tsx'
export { TimeAgo } from './base/TimeAgo.tsx'
export type { ChangedBadgeProps } from './ChangedBadge.tsx'
export { ChangedBadge } from './ChangedBadge.tsx'
export { ConnectionPill } from './ConnectionPill.tsx'
export { ConflictDialog } from './conflict/ConflictDialog.tsx'
export type { ConflictDialogProps, ConflictEditor } from './conflict/dialog-props.ts'
export type { ListBarList } from './ListBar.tsx'
export { ListBar } from './ListBar.tsx'
export type { LostSavesProps } from './LostSaves.tsx'
export { LostSaves } from './LostSaves.tsx'
export type { FieldPresenceProps, PresenceRowProps } from './PresenceBar.tsx'
export { colorOf, FieldPresence, PresenceBar, PresenceRow, presenceSentence } from './PresenceBar.tsx'
export type { EditorNewerVersion, RecordEditor } from './record-editor.ts'
export type { EditorTakeOver, TakeOverBarProps } from './TakeOverBar.tsx'
export { TakeOverBar, useTakeOver } from './TakeOverBar.tsx'
export type { UnsentChangesProps, UnsentSource } from './UnsentChanges.tsx'
export { UnsentChanges, useUnsent, useUnsentCount } from './UnsentChanges.tsx'
export type { UnsentMarkProps } from './UnsentMark.tsx'
export { UnsentMark } from './UnsentMark.tsx'
export type { BannerEditor, UpdateBannerProps } from './UpdateBanner.tsx'
export { UpdateBanner } from './UpdateBanner.tsx'
export type { ListCellEditor } from './useCellEditor.ts'
export { useCellEditor } from './useCellEditor.ts'
export type { ChangedSinceLook } from './useChangedSince.ts'
export { useChangedSince } from './useChangedSince.ts'
export { useConnection } from './useConnection.ts'
export { useLiveCount } from './useLiveCount.ts'
export type { LiveList } from './useLiveList.ts'
export { useLiveList } from './useLiveList.ts'
export { useDoing, usePresence } from './usePresence.ts'
export { type EditorOptions, useRecordEditor } from './useRecordEditor.ts'
export { useRecordEvents } from './useRecordEvents.ts'

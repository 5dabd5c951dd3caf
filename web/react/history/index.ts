// The door `noclobber/history`: what a record was, and what is suggested for it. Styles are `noclobber/history.css`, beside
// `noclobber/styles.css`.
'use client'

export { germanHistoryMessages } from '../../client/words/german-history-messages.ts'
export type { HistoryMessages } from '../../client/words/history-messages.ts'
export { englishHistoryMessages } from '../../client/words/history-messages.ts'
export type { DeletedRecordsProps } from './DeletedRecords.tsx'
export { DeletedRecords } from './DeletedRecords.tsx'
export type { HistoryEditor } from './history-editor.ts'
export type { RecordHistoryProps } from './RecordHistory.tsx'
export { RecordHistory } from './RecordHistory.tsx'
export type { SuggestionsProps } from './Suggestions.tsx'
export { Suggestions } from './Suggestions.tsx'
export type { UndoImportProps } from './UndoImport.tsx'
export { UndoImport } from './UndoImport.tsx'
export type { EditorSuggestions, SaveOrPropose } from './useSuggestions.ts'
export { useSaveOrPropose, useSuggestions } from './useSuggestions.ts'

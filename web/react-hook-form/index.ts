// The door `noclobber/react-hook-form`: an open record as the values of a form that uses react-hook-form.
'use client'

export type { RecordFormEditor } from './useRecordForm.ts'
export { useRecordForm } from './useRecordForm.ts'

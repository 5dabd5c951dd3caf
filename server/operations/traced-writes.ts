// The writes as routes and apps call them: each in a span that says the type and how it came out.

import { inSpan, isTraced } from '../base/tracing.ts'
import { restoreRecord as restore } from '../history/restore.ts'
import { importRecords as rows } from '../import/import.ts'
import { undoImport as undo } from '../import/undo-import.ts'
import { acceptProposal as accept, rejectProposal as reject } from '../proposals/decide.ts'
import { proposeChanges as propose } from '../proposals/propose.ts'
import { createRecord as create } from '../records/create.ts'
import { removeRecord as remove } from '../records/remove.ts'
import { saveRecord as save } from '../records/save.ts'
import { saveMany as many } from '../records/save-many.ts'

// biome-ignore lint/suspicious/noExplicitAny: each write keeps its own shape
const traced = <Write extends (database: any, type: string, ...rest: any[]) => Promise<{ outcome: string }>>(
  name: string,
  write: Write,
) =>
  // biome-ignore lint/suspicious/noExplicitAny: each write keeps its own shape
  ((database: any, type: string, ...rest: any[]) =>
    isTraced()
      ? inSpan(name, { 'noclobber.type': type }, async (annotate) => {
          const outcome = await write(database, type, ...rest)
          annotate({ 'noclobber.outcome': outcome.outcome })
          return outcome
        })
      : write(database, type, ...rest)) as unknown as Write // The same parameters go through, and the same outcome comes back.

export const createRecord = traced('create', create)
export const saveRecord = traced('save', save)
export const removeRecord = traced('remove', remove)
export const restoreRecord = traced('restore', restore)
export const proposeChanges = traced('propose', propose)
export const acceptProposal = traced('accept', accept)
export const rejectProposal = traced('reject', reject)
export const saveMany = traced('save_many', many)
export const importRecords = traced('import', rows)
export const undoImport = traced('undo_import', undo)

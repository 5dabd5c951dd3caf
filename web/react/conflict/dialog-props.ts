// What the dialog is given, and what it says, handed to its code: that is loaded on use, and shares none with what a page
// loads first.

import type { ReactNode } from 'react'
import type { ConflictView } from '../../client/conflict/conflict-view.ts'
import type { Decision } from '../../client/record/store.ts'
import type { Messages, Plural, Words } from '../../client/words/messages.ts'
import type { DialogPartProps } from '../base/parts.tsx'

/** The part of an editor that the dialog uses; a cell's editor has it too. */
export interface ConflictEditor {
  /** Both sides; `null`: the dialog is closed. */
  conflictView: ConflictView | null
  /** Applies what was chosen, and saves it. */
  resolve: (decision: Decision) => unknown
  /** Takes all of theirs. */
  reload: () => void
  /** Closes it, with nothing decided. */
  closeConflict: () => void
  /** The editor's own labels and formats; without them the provider's. */
  words?: Words
}

/** What {@link ConflictDialog} takes. */
export interface ConflictDialogProps {
  /** Of `useRecordEditor` or `useCellEditor`. */
  editor: ConflictEditor
  /** Beside its own. */
  className?: string
  /** Default `end`: the lower edge's end. */
  placement?: DialogPartProps['placement']
  /** Nothing behind it can be reached while it is open. Default `false`: the form stays in use. */
  modal?: boolean
  /** More buttons after its own. */
  actions?: (view: ConflictView) => ReactNode
}

export interface DialogWords {
  messages: Messages
  locale: string
  fill(text: string, values: Record<string, string | number>): string
  plural(plural: Plural, count: number): string
  /** "Name, Status". */
  fields(fields: readonly string[]): string
  /** A field's value in words. */
  value(value: unknown, field: string): string
}

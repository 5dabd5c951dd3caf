// The states of one import: a dry run first, then the import once the user confirms. Invariant: nothing is written before a
// dry run of the same file succeeded, and a retry can't import it twice.
import type { FileImported, FileProblem, ImportFileOutcome, ImportFileProgress } from 'noclobber/client'
import { useRecordClient } from 'noclobber/react'
import { useCallback, useEffect, useRef, useState } from 'react'
import { IMPORT_WORDS, type ImportedType } from './import-words.ts'

/** A file, how its rows find their records, and the name of the one write that it may become. */
export interface Chosen {
  file: File
  key: string | null
  mutationId: string
}

export type ImportState =
  | { step: 'choose' }
  | {
      step: 'running'
      chosen: Chosen
      isDryRun: boolean
      progress: ImportFileProgress | null
      /** The filled part of the bar, 0 to 1; null while nothing is known. */
      share: number | null
    }
  | { step: 'checked'; chosen: Chosen; answer: FileImported }
  | { step: 'done'; answer: FileImported }
  | { step: 'refused'; chosen: Chosen; problem: FileProblem }
  | { step: 'stopped'; chosen: Chosen; text: string; isDryRun: boolean; mayTryAgain: boolean }

/** So many sent bytes may still lie in buffers on the way: fewer show nothing about the server. */
const BUFFERED_BYTES = 4_000_000

/** Half of the bar is reading, the other half writing. */
const shareOf = ({ phase, bytes, totalBytes, rows, written }: ImportFileProgress): number => {
  if (phase === 'writing') return 0.5 + (0.5 * written) / Math.max(rows, 1)
  const read = phase === 'sending' ? Math.max(0, bytes - BUFFERED_BYTES) : bytes
  return (0.5 * read) / Math.max(totalBytes ?? read, 1)
}

const words = IMPORT_WORDS

const stateOf = (chosen: Chosen, isDryRun: boolean, outcome: ImportFileOutcome): ImportState => {
  const stopped = (text: string, mayTryAgain = false): ImportState => ({
    step: 'stopped',
    chosen,
    text,
    isDryRun,
    mayTryAgain,
  })
  switch (outcome.outcome) {
    case 'imported':
      return isDryRun
        ? { step: 'checked', chosen, answer: outcome.answer }
        : { step: 'done', answer: outcome.answer }
    case 'invalid':
      return { step: 'refused', chosen, problem: outcome.problem }
    case 'cancelled':
      return stopped(outcome.mayBeWritten ? words.cancelledLate : words.cancelled)
    case 'unreachable':
      return stopped(words.unreachable(outcome.detail), true)
    case 'unauthenticated':
      return stopped(words.signedOut)
    case 'not_found':
      return stopped(words.notFound)
    default:
      return stopped(outcome.problem.detail)
  }
}

const newMutationId = () => `import-${Date.now()}-${Math.random().toString(36).slice(2)}`

export const useImport = (type: ImportedType) => {
  const client = useRecordClient()
  const [state, setState] = useState<ImportState>({ step: 'choose' })
  const running = useRef<AbortController | null>(null)
  const cancel = useCallback(() => running.current?.abort(), [])
  useEffect(() => cancel, [cancel])

  const run = async (chosen: Chosen, isDryRun: boolean) => {
    cancel()
    const abort = new AbortController()
    running.current = abort
    setState({ step: 'running', chosen, isDryRun, progress: null, share: null })
    const outcome = await client.importFile(type, chosen.file, {
      key: chosen.key,
      dryRun: isDryRun,
      mutationId: isDryRun ? newMutationId() : chosen.mutationId,
      upload: 'xhr',
      signal: abort.signal,
      onProgress: (progress) =>
        setState((now) =>
          now.step === 'running' && running.current === abort
            ? { ...now, progress, share: Math.max(now.share ?? 0, shareOf(progress)) }
            : now,
        ),
    })
    if (running.current === abort) setState(stateOf(chosen, isDryRun, outcome))
  }

  return {
    state,
    check: (file: File, key: string | null) => run({ file, key, mutationId: newMutationId() }, true),
    write: (chosen: Chosen) => run(chosen, false),
    again: (chosen: Chosen, isDryRun: boolean) => run(chosen, isDryRun),
    cancel,
    /** Ends what runs, and begins anew. */
    reset: () => {
      cancel()
      running.current = null
      setState({ step: 'choose' })
    },
  }
}

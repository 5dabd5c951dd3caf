// Imports a file: uploads it, follows the answer line by line, and returns the outcome. Loaded with the first import.
// Invariant: it names no tab, so the importing page receives the events like any other; its lists and open records don't
// know what the file contains.

import { HEADERS } from '../../../server/protocol/index.ts'
import { normalize } from '../base/received.ts'
import type { HttpParts } from './fetch-json.ts'
import type {
  FileImported,
  FileProblem,
  ImportFileOptions,
  ImportFileOutcome,
  ImportFileProgress,
} from './import-outcomes.ts'
import { refusalOf } from './refusals.ts'
import { type Upload, uploadByFetch, uploadByXhr } from './upload.ts'

const MEDIA_TYPES = { csv: 'text/csv', ndjson: 'application/x-ndjson' }

const MOST_NAME_CHARS = 200

/** The name of a file; other blobs have none. */
const nameOf = (file: object): string => ('name' in file && typeof file.name === 'string' ? file.name : '')

/** A file name as a header takes it. */
const headerName = (name: string): string =>
  encodeURIComponent(name.slice(-MOST_NAME_CHARS).replace(/[\p{Cc}\p{Cs}]/gu, ''))

const formatOf = (file: Blob | ReadableStream, name: string): 'csv' | 'ndjson' => {
  if (/\.(ndjson|jsonl)$/i.test(name)) return 'ndjson'
  return file instanceof Blob && /ndjson|jsonl/.test(file.type) ? 'ndjson' : 'csv'
}

const queryOf = ({ key, dryRun }: ImportFileOptions): string => {
  const query = new URLSearchParams()
  if (key !== undefined) query.set('key', key ?? '')
  if (dryRun) query.set('dry_run', '1')
  return `?${query}`.replace(/\?$/, '')
}

/** Few pages can send a stream (HTTP/2, Chromium), and others fail only during the upload: in pages it is read first. */
const bodyOf = (file: Blob | ReadableStream<Uint8Array>): Promise<Blob> | typeof file =>
  file instanceof ReadableStream && 'XMLHttpRequest' in globalThis
    ? new Response(file as BodyInit).blob()
    : file

type Line = { progress?: Omit<ImportFileProgress, 'totalBytes'>; data?: unknown; problem?: object }

const parsed = (line: string): Line => {
  try {
    const found = JSON.parse(line)
    normalize(found?.problem)
    normalize(found?.data)
    return normalize(found) ?? {}
  } catch {
    return {}
  }
}

/** Sends the file below the server's base path. Never rejects. */
export async function importFile(
  http: HttpParts,
  path: string,
  file: Blob | ReadableStream<Uint8Array>,
  options: ImportFileOptions & { mutationId: string },
): Promise<ImportFileOutcome> {
  const { signal, onProgress, name = nameOf(file), format = formatOf(file, name) } = options
  const totalBytes = file instanceof Blob ? file.size : null
  const shown: { phase: ImportFileProgress['phase'] } = { phase: 'sending' }
  let last: Line = {}
  let rest = ''

  const read = (line: string) => {
    if (line.trim() === '') return
    last = parsed(line)
    if (!last.progress) return
    shown.phase = last.progress.phase
    onProgress?.({ ...last.progress, totalBytes })
  }
  const onText = (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) read(line)
  }
  const onSent = (bytes: number) => {
    if (shown.phase === 'sending')
      onProgress?.({ ...shown, bytes, totalBytes, rows: 0, valid: 0, invalid: 0, written: 0 })
  }

  try {
    signal?.throwIfAborted()
    const upload: Upload = {
      credentials: http.credentials,
      url: `${http.url}${path}${queryOf(options)}`,
      headers: {
        ...http.writer(),
        Accept: MEDIA_TYPES.ndjson,
        'Content-Type': MEDIA_TYPES[format],
        [HEADERS.idempotencyKey]: options.mutationId,
        ...(name && { [HEADERS.importName]: headerName(name) }),
      },
      body: await bodyOf(file),
      signal,
      onSent,
      onText,
    }
    const { body } = upload
    const answer =
      options.upload === 'xhr' && body instanceof Blob
        ? await uploadByXhr({ ...upload, body })
        : await uploadByFetch(http.fetch, upload)
    read(rest)
    http.onAnswer(answer.status, answer.headers.get('date'))
    return outcomeOf(answer.status, answer.headers, last)
  } catch (error) {
    if (signal?.aborted)
      return { outcome: 'cancelled', mayBeWritten: shown.phase === 'writing' && !options.dryRun }
    return refusalOf({ isAnswered: false, detail: error instanceof Error ? error.message : String(error) })
  }
}

/** The last line counts more than the status, which was sent before the outcome was known. */
function outcomeOf(status: number, headers: Headers, last: Line): ImportFileOutcome {
  if (status === 200 && last.data) return { outcome: 'imported', answer: last.data as FileImported }
  const isRefused = status !== 200 || last.problem !== undefined
  if (!isRefused) return refusalOf({ isAnswered: false, detail: 'The answer broke off before its end.' })
  const problem = (status === 200 ? last.problem : last) as { status?: number; errors?: unknown }
  const refused = status === 200 ? (problem.status ?? 500) : status
  if (refused === 422 && Array.isArray(problem.errors))
    return { outcome: 'invalid', problem: problem as FileProblem }
  return refusalOf({ isAnswered: true, status: refused, headers, body: problem })
}

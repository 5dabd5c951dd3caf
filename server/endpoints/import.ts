// The route of an import: a file as the body, counts or row errors as the answer, and progress for who asks for it.
// Invariant: a slow upload costs its sender one of their own imports and a little memory here, nothing else; who has many
// files delays nobody else's.
import { randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import accepts from 'accepts'
import type { Router } from 'router'
import { problem, Refusal, refuse } from '../base/problems.ts'
import type { Actor } from '../base/record-type.ts'
import type { Request, Response } from '../base/request.ts'
import { inRequest } from '../base/tracing.ts'
import { isUnavailable, unexpectedProblem } from '../db/errors.ts'
import { READ_AS_TEXT, READ_BEFORE } from '../http/json-body.ts'
import { mutationIdOf, originOf, queryText } from '../http/request-parameters.ts'
import { sendData, sendProblem } from '../http/responses.ts'
import { type Handler, handle, type RouteOptions } from '../http/route-handler.ts'
import type { ImportOutcome } from '../import/import.ts'
import type { ImportFormat } from '../import/parse.ts'
import type { ImportEncoding } from '../import/upload.ts'
import type { RecordNode } from '../node/node.ts'
import { importRecords } from '../operations/traced-writes.ts'
import { createFairQueue } from '../pacing/fair-queue.ts'
import { createQuota } from '../pacing/quota.ts'
import { refuseSlowly } from '../pacing/refuse-slowly.ts'
import type { ImportProgress } from '../protocol/bulk-and-import.ts'
import { HEADERS, type Problem } from '../protocol/index.ts'

const FORMATS: Record<string, ImportFormat> = {
  'text/csv': 'csv',
  'text/tab-separated-values': 'tsv',
  'application/x-ndjson': 'ndjson',
  'application/ndjson': 'ndjson',
  'application/jsonl': 'ndjson',
}
const NDJSON = 'application/x-ndjson'
const PROGRESS_EVERY_MS = 250
/** After an answer that came before the file's end the rest is taken for so long, so that the answer arrives; then it is cut. */
const LINGER_MS = 5_000
const MAX_NAME = 200

/** Charsets by the names that files' senders say. */
const ENCODINGS: Record<string, ImportEncoding> = {
  'utf-8': 'utf-8',
  utf8: 'utf-8',
  'utf-16': 'utf-16le',
  'utf-16le': 'utf-16le',
  'utf-16be': 'utf-16be',
  'iso-8859-1': 'windows-1252',
  latin1: 'windows-1252',
  'windows-1252': 'windows-1252',
}

const formatOf = ({
  headers,
}: Pick<Request, 'headers'>): { format: ImportFormat; encoding: ImportEncoding } => {
  const [type = '', ...parameters] = (headers['content-type'] ?? '').toLowerCase().split(';')
  const format = FORMATS[type.trim()]
  if (!format)
    return refuse(
      'malformed',
      `Send the file as text/csv or as ${NDJSON}${/zip|excel|spreadsheet|officedocument/.test(type) ? ', unpacked: a workbook saved as "CSV UTF-8"' : ''}.`,
    )
  if (!['', 'identity'].includes((headers['content-encoding'] ?? '').trim().toLowerCase()))
    return refuse('malformed', 'Send the file as it is: a Content-Encoding is not unpacked here.')
  const charset = parameters.map((text) => text.trim()).find((text) => text.startsWith('charset='))
  const encoding = ENCODINGS[charset?.slice('charset='.length).replaceAll('"', '') ?? 'utf-8']
  if (!encoding)
    return refuse('malformed', 'The file must be UTF-8, or name UTF-16 or windows-1252 as its charset.')
  return { format, encoding }
}

const nameOf = ({ headers }: Pick<Request, 'headers'>): string | undefined => {
  const sent = headers[HEADERS.importName.toLowerCase()]
  if (typeof sent !== 'string' || sent === '') return undefined
  try {
    const name = decodeURIComponent(sent)
    if (name.length <= MAX_NAME && name.isWellFormed() && !/\p{Cc}/u.test(name)) return name
  } catch {
    // Falls through to the refusal: it isn't percent-encoded.
  }
  return refuse(
    'malformed',
    `${HEADERS.importName} must be a percent-encoded name of ${MAX_NAME} characters at most.`,
  )
}

const isTrue = (text: string | undefined, name: string): boolean => {
  if (text === undefined || text === '0' || text === 'false') return false
  return text === '1' || text === 'true' || refuse('malformed', `${name} must be 1 or 0.`)
}

/**
 * The answer as lines: progress as it goes, and the result as the last one. The status is 200 from the first line on.
 * Who follows an import and leaves has cancelled it: what it wrote is undone.
 */
const progressOf = (response: Response) => {
  let lastAt = Number.NEGATIVE_INFINITY
  let phase = ''
  const write = (line: object) => {
    if (!response.headersSent)
      response.writeHead(200, {
        'Content-Type': NDJSON,
        'Cache-Control': 'no-store',
        'X-Accel-Buffering': 'no',
      })
    response.write(`${JSON.stringify(line)}\n`)
  }
  return {
    publish: (progress: ImportProgress) => {
      if (response.destroyed)
        throw new Refusal(problem('malformed', 'The client of this import left: it is undone.'))
      const now = performance.now()
      if (now - lastAt < PROGRESS_EVERY_MS && phase === progress.phase) return
      lastAt = now
      phase = progress.phase
      write({ progress })
    },
    end: (line: { data: object } | { problem: Problem }) => {
      write(line)
      response.end()
    },
  }
}

/** The file's bytes; a reader of the app's own may have taken them all already. */
const inputOf = (request: Request): AsyncIterable<Uint8Array> => {
  const { body } = request
  if (request.readableEncoding !== null && typeof body !== 'string') refuse('malformed', READ_AS_TEXT)
  if (!request.readableEnded) return request.iterator({ destroyOnReturn: false })
  if (typeof body === 'string' || Buffer.isBuffer(body)) return Readable.from([Buffer.from(body)])
  return refuse('malformed', READ_BEFORE)
}

/**
 * Nothing of a file is wanted any more: who goes on sending must not hold the connection by it. What has come to its end meanwhile isn't
 * always read to its end: another request may be on that connection by then.
 */
const linger = (request: Request) => {
  if (request.complete || request.destroyed) return
  const timer = setTimeout(() => {
    if (!request.complete) request.socket.destroy()
  }, LINGER_MS)
  const done = () => clearTimeout(timer)
  // While somebody listens for 'readable', as who iterates over it does, resume() reads nothing.
  request.removeAllListeners('readable').once('end', done).once('close', done).resume()
}

export interface ImportRouteOptions extends RouteOptions {
  node: Pick<RecordNode, 'importing'>
}

export const addImportRoutes = (
  router: Router,
  { database, limits, wake, node, log }: ImportRouteOptions,
): void => {
  const underWay = createQuota(limits.importsPerPerson, limits.importsPerNode)
  const writing = createFairQueue({ atOnce: limits.importsAtOnce, perPerson: limits.importsAtOnce })

  /** A place among the imports that are written, when it is this person's turn. */
  const turnOf = async (actor: Actor) => {
    const waited = AbortSignal.timeout(limits.importWaitMs)
    try {
      return await writing.enter(actor, waited)
    } catch (error) {
      if (!waited.aborted) throw error
      throw new Refusal(problem('rate_limited', 'Other imports are being written. Try again in a while.'))
    }
  }

  const run = async (
    request: Parameters<Handler>[0],
    actor: Parameters<Handler>[2],
    onProgress?: (progress: ImportProgress) => void,
  ): Promise<ImportOutcome> => {
    const key = queryText(request, 'key')
    const origin = originOf(request)
    const length = Number(request.headers['content-length'] ?? 0)
    const importId = randomUUID()
    const dryRun = isTrue(queryText(request, 'dry_run'), 'dry_run')
    const importProgress = dryRun
      ? null
      : node.importing({
          type: request.params.type,
          importId,
          actor,
          tabId: origin.tabId ?? null,
          totalBytes: length || null,
        })
    const options = {
      actor,
      importId,
      ...formatOf(request),
      name: nameOf(request),
      ...(key === undefined ? {} : { key: key === '' ? null : key }),
      dryRun,
      mutationId: mutationIdOf(request, {}),
      ...origin,
      admit: () => turnOf(actor),
      onProgress: (progress: ImportProgress) => {
        onProgress?.(progress)
        importProgress?.publish(progress)
      },
    }
    if (length > limits.importBytes)
      throw new Refusal(problem('too_large', `A file has ${limits.importBytes} bytes at most.`))
    const end = underWay.take(actor)
    if (!end) return refuseSlowly(actor, 'Other imports are under way. Try again when one is done.')
    try {
      const input = inputOf(request)
      return await inRequest(request, () =>
        importRecords(database, request.params.type, { ...options, input }),
      )
    } finally {
      end()
      importProgress?.end()
    }
  }

  const importFile: Handler = async (request, response, actor) => {
    if (accepts(request).type(['json', NDJSON]) !== NDJSON) {
      const done = await run(request, actor)
      if (done.outcome !== 'imported') return sendProblem(response, done.problem)
      wake()
      return sendData(response, { data: done.answer })
    }
    const lines = progressOf(response)
    try {
      const done = await run(request, actor, lines.publish)
      if (done.outcome === 'imported') wake()
      if (done.outcome === 'imported') lines.end({ data: done.answer })
      else if (response.headersSent) lines.end({ problem: done.problem })
      else sendProblem(response, done.problem)
    } catch (error) {
      if (!response.headersSent || response.destroyed) throw error
      const refused = error instanceof Refusal ? error.problem : unexpectedProblem(error)
      if (!(error instanceof Refusal) && !isUnavailable(error)) log.error({ err: error }, 'An import failed.')
      lines.end({ problem: refused })
    }
  }
  router.post(
    '/records/:type/import',
    handle(
      async (request, response, actor) => {
        try {
          await importFile(request, response, actor)
        } finally {
          linger(request)
        }
      },
      { isRepeatable: false },
    ),
  )
}

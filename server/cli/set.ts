// `noclobber set`: changes fields of a record through the API, guarded as an editor's save is: it reads the version,
// saves on it, and reports a conflict instead of overwriting.
import { randomUUID } from 'node:crypto'
import {
  DEFAULT_BASE_PATH,
  type FieldError,
  HEADERS,
  type Problem,
  type StaleProblem,
  type WireRecord,
} from '../protocol/index.ts'
import {
  COMMON,
  type Command,
  EXIT,
  number,
  type Terminal,
  text,
  UnreachableError,
  UsageError,
  type Values,
} from './command.ts'

/** `name=value` is a text, `name:=value` is JSON. */
const changesOf = (assignments: string[]): Record<string, unknown> => {
  const changes: Record<string, unknown> = Object.create(null)
  for (const assignment of assignments) {
    const [, name, colon, value = ''] = /^([^=:]+)(:?)=([\s\S]*)$/.exec(assignment) ?? []
    if (!name) throw new UsageError(`"${assignment}" is no assignment: write field=text or field:=json.`)
    try {
      changes[name] = colon ? JSON.parse(value) : value
    } catch {
      throw new UsageError(`${name}:=${value} is not JSON. For a text write ${name}=${value}.`)
    }
  }
  if (Object.keys(changes).length === 0) throw new UsageError('Say what to set: field=value.')
  return changes
}

interface Answer {
  status: number
  body: { data?: WireRecord; errors?: FieldError[] } & Partial<Problem>
}

/** The answer, if it is one of the records' router: a page of HTML or a bare 404 is not ours. */
const readAnswer = async (base: string, answer: Response): Promise<Answer> => {
  const { status } = answer
  const given = await answer.text()
  const body = asObject(given)
  const isOurs = body && (status < 400 ? 'data' in body : status !== 404 || 'code' in body)
  if (isOurs) return { status, body }
  throw new UnreachableError(
    status >= 500
      ? `${base} can't be reached: what stands before it answered ${status}.`
      : `Something answered ${status} at ${base}, but not the records' router. Give the address where it is mounted, such as ${new URL(base).origin}${DEFAULT_BASE_PATH}.`,
  )
}

const asObject = (text: string): Answer['body'] | null => {
  try {
    const value = JSON.parse(text || '{}')
    return value && typeof value === 'object' ? value : null
  } catch {
    return null
  }
}

const apiOf = ({ env, signal }: Terminal, values: Values) => {
  const base = (text(values, 'url') ?? env.NOCLOBBER_URL)?.replace(/\/$/, '')
  if (!base || !URL.canParse(base))
    throw new UsageError('Say where the API is: --url http://localhost:3000/api/v1 or NOCLOBBER_URL.')
  const token = text(values, 'token') ?? env.NOCLOBBER_TOKEN
  return async (method: string, path: string, body?: object): Promise<Answer> => {
    const headers: Record<string, string> = { Accept: 'application/json' }
    if (token) headers.Authorization = `Bearer ${token}`
    if (body) headers['Content-Type'] = 'application/json'
    if (body) headers[HEADERS.idempotencyKey] = randomUUID()
    try {
      const answer = await fetch(base + path, {
        method,
        headers,
        signal,
        ...(body ? { body: JSON.stringify(body) } : {}),
      })
      return await readAnswer(base, answer)
    } catch (error) {
      if (error instanceof UnreachableError) throw error
      const { message, cause } = error as Error
      throw new UnreachableError(
        `${base} can't be reached: ${(cause as Error | undefined)?.message ?? message}`,
      )
    }
  }
}

const printConflict = ({ err }: Terminal, { detail, changed_fields, current }: StaleProblem) => {
  err(`Not saved: ${detail}`)
  err(
    changed_fields
      ? `Changed meanwhile: ${changed_fields.join(', ') || 'nothing that you see'}`
      : 'What changed is not known any more.',
  )
  err(`Now, at version ${current.version}: ${JSON.stringify(current.fields)}`)
  err('Look at it, and run the command again.')
}

const LOOKS_LIKE_JSON = /^(-?\d+(\.\d+)?|true|false|null|[[{][\s\S]*)$/

/** Fields that were refused, sent as texts that would be something else as JSON. */
const hintsFor = (changes: Record<string, unknown>, { errors = [] }: Answer['body']): string[] =>
  errors.flatMap(({ field }) => {
    const sent = Object.hasOwn(changes, field) ? changes[field] : null
    return typeof sent === 'string' && LOOKS_LIKE_JSON.test(sent)
      ? [`${field}=${sent} sends a text. As JSON: ${field}:=${sent}`]
      : []
  })

const printRefusal = (terminal: Terminal, values: Values, { status, body }: Answer, hints: string[] = []) => {
  if (values.json) terminal.out(JSON.stringify(body))
  else if (body.code === 'stale_record') printConflict(terminal, body as StaleProblem)
  else terminal.err(`Not saved: ${body.detail ?? `the server answered ${status}.`}`)
  if (!values.json) for (const hint of hints) terminal.err(hint)
  return status >= 500 || status === 429 ? EXIT.unreachable : EXIT.refused
}

export const set: Command = {
  name: 'set',
  usage: 'TYPE ID field=text… [field:=json…] [--version N]',
  summary: 'change a record through the API, guarded by its version',
  help: [
    '  field=text       sets a text; field:=12, field:=true, field:=null set JSON',
    '  --version N      save only if the record is still at this version; default: as it is now',
    '  --url URL        where the API is mounted; default: NOCLOBBER_URL',
    '  --token TOKEN    sent as Authorization: Bearer; default: NOCLOBBER_TOKEN',
    '',
    'Exit code 1 where somebody else saved first, or the server refuses the values.',
  ],
  options: {
    ...COMMON,
    version: { type: 'string' },
    url: { type: 'string' },
    token: { type: 'string' },
  },
  run: async (terminal, values, [type, id, ...assignments]) => {
    if (!type || !id) throw new UsageError('Name a record: noclobber set project 1 status=done')
    const changes = changesOf(assignments)
    const ask = apiOf(terminal, values)
    const path = `/records/${encodeURIComponent(type)}/${encodeURIComponent(id)}`
    let version = number(values, 'version', 0)
    if (version === 0) {
      const found = await ask('GET', path)
      if (found.status !== 200 || !found.body.data) return printRefusal(terminal, values, found)
      version = found.body.data.version
    }
    const saved = await ask('PATCH', path, { client_version: version, changes })
    if (saved.status !== 200 || !saved.body.data)
      return printRefusal(terminal, values, saved, hintsFor(changes, saved.body))
    const { data } = saved.body
    if (values.json) terminal.out(JSON.stringify(data))
    else
      terminal.out(
        data.version === version
          ? `Nothing to change: ${type} ${id} is at version ${version}.`
          : `Saved ${type} ${id}: version ${data.version}.`,
      )
    return EXIT.done
  },
}

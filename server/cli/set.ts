// `noclobber set`: changes fields of a record through the API, guarded as an editor's save is: it reads the version,
// saves on it, and tells of a conflict instead of writing over it.
import { randomUUID } from 'node:crypto'
import { HEADERS, type Problem, type StaleProblem, type WireRecord } from '../protocol.ts'
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
  body: { data?: WireRecord } & Partial<Problem>
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
      return { status: answer.status, body: JSON.parse((await answer.text()) || '{}') }
    } catch (error) {
      const { message, cause } = error as Error
      throw new UnreachableError(
        `${base} can't be reached: ${(cause as Error | undefined)?.message ?? message}`,
      )
    }
  }
}

const tellConflict = ({ err }: Terminal, { detail, changed_fields, current }: StaleProblem) => {
  err(`Not saved: ${detail}`)
  err(
    changed_fields
      ? `Changed meanwhile: ${changed_fields.join(', ') || 'nothing that you see'}`
      : 'What changed is not known any more.',
  )
  err(`Now, at version ${current.version}: ${JSON.stringify(current.fields)}`)
  err('Look at it, and run the command again.')
}

const tellRefusal = (terminal: Terminal, values: Values, { status, body }: Answer) => {
  if (values.json) terminal.out(JSON.stringify(body))
  else if (body.code === 'stale_record') tellConflict(terminal, body as StaleProblem)
  else terminal.err(`Not saved: ${body.detail ?? `the server answered ${status}.`}`)
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
      if (found.status !== 200 || !found.body.data) return tellRefusal(terminal, values, found)
      version = found.body.data.version
    }
    const saved = await ask('PATCH', path, { client_version: version, changes })
    if (saved.status !== 200 || !saved.body.data) return tellRefusal(terminal, values, saved)
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

// The tools of an agent, made from the types that its API declares: read, list, history, create, save, propose for each.
// Invariant: a save names the version that it was built on; what was refused is answered with what changed meanwhile, so that the
// agent can resolve it and call again.
import { createHash } from 'node:crypto'
import { type Answer, type ApiOptions, askApi } from './api.ts'
import { MUTATION, mutationIn, whyNoMutation } from './mutation-id.ts'

/** A JSON Schema. */
type Schema = Record<string, unknown>

/** A tool as the protocol lists it. */
interface Tool {
  name: string
  title: string
  description: string
  inputSchema: {
    type: 'object'
    properties: Record<string, Schema>
    required: string[]
    additionalProperties: false
  }
  annotations: {
    readOnlyHint: boolean
    destructiveHint: boolean
    idempotentHint: boolean
    openWorldHint: false
  }
}

/** What a call gets. */
export interface ToolResult {
  content: { type: 'text'; text: string }[]
  structuredContent: Record<string, unknown>
  isError: boolean
  [key: string]: unknown
}

type Input = Record<string, unknown>

interface Made {
  tool: Tool
  run(api: ApiOptions, input: Input): Promise<ToolResult>
}

const MOST_ROWS = 50
const ID: Schema = { type: 'string', description: 'The record’s id.' }
const VERSION: Schema = {
  type: 'integer',
  minimum: 1,
  description: 'The version that you have read and built on. Read the record first; never guess it.',
}
const RESOLVE =
  'Nothing was written: the record has changed. `current` is the record as it is now, `changed_fields` what others changed since ' +
  'your version. Decide anew on top of `current`, and call again with its version as client_version.'

/** Outside of the JSON stand this file's own words alone: names and values that people wrote are within it, quoted. */
const resultOf = ({ status, body }: Answer): ToolResult => {
  const isError = status >= 400
  const isStale = isError && body.code === 'stale_record'
  const said = isStale ? RESOLVE : isError ? `The server refused this (${status}): see \`detail\`.` : ''
  const structuredContent = isError ? { status, ...body } : body
  const text = JSON.stringify(structuredContent)
  return { content: [{ type: 'text', text: said ? `${said}\n${text}` : text }], structuredContent, isError }
}

const refused = (detail: string): ToolResult => resultOf({ status: 400, body: { code: 'malformed', detail } })

const pathOf = (...parts: unknown[]) =>
  `/records/${parts.map((part) => encodeURIComponent(/^~*\.{1,2}$/.test(String(part)) ? `~${part}` : String(part))).join('/')}`

const isVersion = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) > 0
const isObject = (value: unknown): value is Input =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const idIn = ({ id }: Input) => (typeof id === 'string' && id !== '') || typeof id === 'number'

/** Models' APIs take no longer names of tools. */
const MOST_NAME = 64

/** A type of a long name is cut; a digest keeps it apart from others. */
const toolName = (type: string, verb: string): string => {
  if (`${type}_${verb}`.length <= MOST_NAME) return `${type}_${verb}`
  const digest = createHash('sha256').update(type).digest('hex').slice(0, 8)
  const end = `_${digest}_${verb}`
  return type.slice(0, MOST_NAME - end.length) + end
}

const commaEscaped = (value: unknown) => String(value).replace(/[\\,]/g, '\\$&')

/** One condition on a field; `null`: no value can be asked for in this form. */
const conditionOf = (field: string, value: unknown): [name: string, value: string] | null => {
  if (value === null) return [`filter[${field}][null]`, 'true']
  if (Array.isArray(value) && value.length > 0 && value.every((one) => !isObject(one) && one !== null))
    return [`filter[${field}][in]`, value.map(commaEscaped).join(',')]
  return typeof value === 'object' ? null : [`filter[${field}]`, String(value)]
}

/** Makes tools of a type. What is wrong with a call's input is answered before it runs. */
const makerOf =
  (type: string) =>
  (
    verb: string,
    [title, description]: [string, string],
    properties: Record<string, Schema>,
    required: string[],
    run: Made['run'],
  ): Made => {
    const isRead = ['read', 'list', 'history'].includes(verb)
    return {
      tool: {
        name: toolName(type, verb),
        title,
        description,
        inputSchema: { type: 'object', properties, required, additionalProperties: false },
        annotations: {
          readOnlyHint: isRead,
          destructiveHint: verb === 'save',
          idempotentHint: isRead,
          openWorldHint: false,
        },
      },
      async run(api, input) {
        const unknown = Object.keys(input).filter((field) => !Object.hasOwn(properties, field))
        if (unknown.length > 0) return refused(`There is no ${unknown.join(', ')} here.`)
        const missing = required.filter((field) => input[field] === undefined)
        if (missing.length > 0) return refused(`Give ${missing.join(', ')}.`)
        if (properties.id && required.includes('id') && !idIn(input)) return refused('id must be a text.')
        if (properties.client_version && !isVersion(input.client_version))
          return refused('client_version must be the version that you have read: a positive integer.')
        const misnamed = whyNoMutation(input)
        if (misnamed) return refused(misnamed)
        for (const field of ['changes', 'fields', 'where'])
          if (input[field] !== undefined && !isObject(input[field]))
            return refused(`${field} must be an object.`)
        return run(api, input)
      },
    }
  }

const readingTools = (type: string): Made[] => {
  const made = makerOf(type)
  return [
    made(
      'read',
      [`Read a ${type}`, 'The record with its version; with `version` or `as_of`, as it was.'],
      {
        id: ID,
        version: { type: 'integer', minimum: 1 },
        as_of: { type: 'string', description: 'ISO 8601.' },
      },
      ['id'],
      async (api, { id, version, as_of }) => {
        const query = new URLSearchParams({
          ...(version !== undefined && { version: String(version) }),
          ...(as_of !== undefined && { as_of: String(as_of) }),
        }).toString()
        return resultOf(await askApi(api, ['GET', `${pathOf(type, id)}${query && `?${query}`}`]))
      },
    ),
    made(
      'list',
      [
        `List or search ${type} records`,
        `At most ${MOST_ROWS} a page; \`after\` is the \`next\` of the page before.`,
      ],
      {
        where: {
          type: 'object',
          description: 'Only records with these values, by field; a list for any of several, null for none.',
        },
        search: {
          type: 'string',
          description: 'Only records with this text, where the type can be searched.',
        },
        sort: { type: 'string', description: 'A field; descending with `-` before it.' },
        limit: { type: 'integer', minimum: 1, maximum: MOST_ROWS },
        after: { type: 'string' },
      },
      [],
      async (api, { where = {}, search, sort, limit = 20, after }) => {
        const query = new URLSearchParams()
        for (const [field, value] of Object.entries(where as Input)) {
          const condition = conditionOf(field, value)
          if (!condition) return refused(`where.${field} must be a value, a list of values, or null.`)
          query.set(...condition)
        }
        for (const [key, value] of Object.entries({ search, sort, after }))
          if (value !== undefined) query.set(key, String(value))
        query.set('limit', String(Math.min(MOST_ROWS, Math.max(1, Math.trunc(Number(limit)) || 1))))
        const { status, body } = await askApi(api, ['GET', `${pathOf(type)}?${query}`])
        return resultOf({ status, body: status < 400 ? { data: body.data, next: body.next } : body })
      },
    ),
    made(
      'history',
      [`History of a ${type}`, 'Who changed it, when and what, newest first.'],
      {
        id: ID,
        limit: { type: 'integer', minimum: 1, maximum: MOST_ROWS },
        before: { type: 'integer', minimum: 1 },
      },
      ['id'],
      async (api, { id, limit = 20, before }) => {
        const query = new URLSearchParams({
          limit: String(limit),
          ...(before !== undefined && { before: String(before) }),
        })
        return resultOf(await askApi(api, ['GET', `${pathOf(type, id)}/history?${query}`]))
      },
    ),
  ]
}

/** `schemas` are those of the API's document. */
const writingTools = (type: string, name: string, schemas: Record<string, Schema>): Made[] => {
  const made = makerOf(type)
  const changes: Schema = {
    ...(schemas[`${name}Changes`] ?? { type: 'object' }),
    description: 'New values by field; others stay as they are.',
  }
  return [
    made(
      'create',
      [`Create a ${type}`, 'A new record.'],
      { fields: schemas[`${name}Fields`] ?? { type: 'object' }, mutation_id: MUTATION },
      ['fields'],
      async (api, input) =>
        resultOf(await askApi(api, ['POST', pathOf(type), { fields: input.fields }], mutationIn(input))),
    ),
    made(
      'save',
      [
        `Change a ${type}`,
        `Saves changes if the record is still at client_version. ${RESOLVE.replace('Nothing was written: the', 'Where the')}`,
      ],
      { id: ID, client_version: VERSION, changes, mutation_id: MUTATION },
      ['id', 'client_version', 'changes'],
      async (api, input) => {
        const body = { client_version: input.client_version, changes: input.changes }
        return resultOf(await askApi(api, ['PATCH', pathOf(type, input.id), body], mutationIn(input)))
      },
    ),
    made(
      'propose',
      [
        `Propose changes of a ${type}`,
        'Somebody else accepts or rejects them. For what you may not save, or want to have looked at.',
      ],
      {
        id: ID,
        client_version: VERSION,
        changes,
        note: { type: 'string', maxLength: 2000 },
        mutation_id: MUTATION,
      },
      ['id', 'client_version', 'changes'],
      async (api, input) => {
        const { client_version, changes: proposed, note } = input
        const body = { client_version, changes: proposed, ...(note !== undefined && { note }) }
        const path = `${pathOf(type, input.id)}/proposals`
        return resultOf(await askApi(api, ['POST', path, body], mutationIn(input)))
      },
    ),
  ]
}

/** By name. */
export type Tools = Map<string, Made>

/** All tools of what this agent's API declares for it; or why there are none. */
export const toolsFor = async (api: ApiOptions): Promise<{ tools: Tools } | { refused: Answer }> => {
  const answer = await askApi(api, ['GET', '/openapi.json'])
  if (answer.status !== 200) return { refused: answer }
  const { paths = {}, components } = answer.body as {
    paths?: Record<string, { get?: { operationId?: string } }>
    components?: { schemas?: Record<string, Schema> }
  }
  const tools: Tools = new Map()
  for (const [path, { get }] of Object.entries(paths)) {
    const [, type] = /^\/records\/([a-z][a-z0-9_]*)$/.exec(path) ?? []
    const [, name] = /^list(.+)$/.exec(get?.operationId ?? '') ?? []
    if (type && name)
      for (const made of [...readingTools(type), ...writingTools(type, name, components?.schemas ?? {})])
        tools.set(made.tool.name, made)
  }
  return { tools }
}

/** Calls one. */
export const callTool = async (
  api: ApiOptions,
  found: { tools: Tools } | { refused: Answer },
  name: string,
  input: unknown,
): Promise<ToolResult> => {
  if ('refused' in found) return resultOf(found.refused)
  const made = found.tools.get(name)
  return made ? made.run(api, isObject(input) ? input : {}) : refused(`There is no tool ${name}.`)
}

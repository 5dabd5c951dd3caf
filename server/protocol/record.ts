// A record on the wire, and its problem documents: the types that the rest of the protocol uses. Exported by index.ts.
// Types and constants only; it imports nothing.

/**
 * `user`: a person; `import`: a file; `service`: a program that named itself; `agent`: a program that acts for somebody;
 * `database`: SQL by hand.
 */
export type WriterKind = 'user' | 'import' | 'service' | 'database' | 'agent'

/** Who wrote a version. For `database`, id and name are the database role. */
export interface Writer {
  /** 1 to 200 characters. */
  id: string
  /** 1 to 100 characters; no control characters and none that turn a text's direction. */
  name: string
  /** A signed-in user, a program for one (`agent`), an import, a service that names itself, or SQL by hand (`database`). */
  kind: WriterKind
  /** Of an agent, if it says so: for whom it acts. */
  on_behalf_of?: { id: string; name: string }
}

/** The longest name of a writer that is shown. */
export const MAX_NAME_CHARS = 200

/** Values of a record's declared fields, by column name. */
export type Fields = Record<string, unknown>

/** One row of a tracked table, as the wire shows it. */
export interface WireRecord<F = Fields> {
  /** The record type's name, in the singular. */
  type: string
  /** Always a string, whatever the column is. */
  id: string
  /** A positive integer: 1 on creation, +1 with every committed change. */
  version: number
  /** ISO 8601 UTC with microseconds. Shown to people, never compared. */
  updated_at: string
  /** `null` only where nothing is known. */
  updated_by: Writer | null
  /** Values by field, as JSON has them: those that the reader may see. */
  fields: F
  /** Of types some of whose fields are not everybody's: those of these fields that this reader may not change. */
  read_only?: string[] | undefined
  /** Of the same: which fields this reader sees and may change, as an opaque text. Another one than before: load it again. */
  rights?: string | undefined
}

/** The address of a record. */
export interface RecordAddress {
  /** The record type's name, in the singular. */
  type: string
  /** Always a string, whatever the column is. */
  id: string
}

/** The stable codes of the problem documents, with the status each is answered with. */
export const PROBLEM_STATUS = {
  malformed: 400,
  unauthenticated: 401,
  forbidden: 403,
  cross_origin: 403,
  live_off: 403,
  not_found: 404,
  too_slow: 408,
  stale_record: 409,
  mutation_reused: 409,
  proposal_decided: 409,
  deleted: 410,
  no_longer_known: 410,
  too_large: 413,
  invalid: 422,
  version_required: 428,
  rate_limited: 429,
  internal: 500,
  unavailable: 503,
} as const

/** A stable name for what went wrong; programs switch on it, people read `detail`. */
export type ProblemCode = keyof typeof PROBLEM_STATUS

/** One error in one field of a 422. */
export interface FieldError {
  /** Empty where no field is the cause. */
  field: string
  /** A sentence for people, as the schema or the database says it. */
  message: string
  /** Of a rule in the database: what it advises. */
  hint?: string
  /** Of a rule in the database: the name that it gives itself. */
  constraint?: string
}

/** RFC 9457 problem document. A 412 carries `stale_record` too: the same staleness, asked by `If-Match`. */
export interface Problem {
  /** `urn:noclobber:` and the code in kebab case. */
  type: string
  /** The same for each problem of this code. */
  title: string
  /** Of HTTP: 400 to 503. */
  status: number
  /** What a program goes by; each has a heading in docs/troubleshooting.md. */
  code: ProblemCode
  /** A sentence about this one, for people. */
  detail: string
}

/** 409 and 412: all that an editor needs to resolve the conflict without another request. */
export interface StaleProblem extends Problem {
  code: 'stale_record'
  /** The version that the save was built on. */
  client_version: number
  /** The version that the record has. */
  current_version: number
  /** Union over all versions since `client_version`; `null` when the log no longer reaches back. */
  changed_fields: string[] | null
  /** When that one was made: ISO 8601 UTC with microseconds. */
  updated_at: string
  /** Who made it; `null` only where nothing is known. */
  updated_by: Writer | null
  /** The record as it is now. */
  current: WireRecord
  /** Where the type allows merging; `text`: fields whose texts are merged by place. */
  merge?: { text: string[] }
}

/** 422. */
export interface InvalidProblem extends Problem {
  code: 'invalid'
  /** One or more for each field that is in the way. */
  errors: FieldError[]
}

/** 410, for those who could read the record. */
export interface DeletedProblem extends Problem {
  code: 'deleted'
  /** The version of its deletion. */
  version: number
  /** When it was deleted: ISO 8601 UTC with microseconds. */
  updated_at: string
  /** Who deleted it; `null` only where nothing is known. */
  updated_by: Writer | null
}

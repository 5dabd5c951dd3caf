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
  type: string
  /** Always a string, whatever the column is. */
  id: string
  /** A positive integer: 1 on creation, +1 with every committed change. */
  version: number
  /** ISO 8601 UTC with microseconds. Shown to people, never compared. */
  updated_at: string
  /** `null` only where nothing is known. */
  updated_by: Writer | null
  fields: F
  /** Of types some of whose fields are not everybody's: those of these fields that this reader may not change. */
  read_only?: string[] | undefined
  /** Of the same: which fields this reader sees and may change, as an opaque text. Another one than before: load it again. */
  rights?: string | undefined
}

/** The address of a record. */
export interface RecordAddress {
  type: string
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
  title: string
  status: number
  code: ProblemCode
  detail: string
}

/** 409 and 412: all that an editor needs to resolve the conflict without another request. */
export interface StaleProblem extends Problem {
  code: 'stale_record'
  client_version: number
  current_version: number
  /** Union over all versions since `client_version`; `null` when the log no longer reaches back. */
  changed_fields: string[] | null
  updated_at: string
  updated_by: Writer | null
  current: WireRecord
  /** Where the type allows merging; `text`: fields whose texts are merged by place. */
  merge?: { text: string[] }
}

/** 422. */
export interface InvalidProblem extends Problem {
  code: 'invalid'
  errors: FieldError[]
}

/** 410, for those who could read the record. */
export interface DeletedProblem extends Problem {
  code: 'deleted'
  version: number
  updated_at: string
  updated_by: Writer | null
}

// Problem documents (RFC 9457): the one shape of every error answer. Expected outcomes are values that carry one of
// these; nothing is thrown for them.
import {
  type DeletedProblem,
  type FieldError,
  type InvalidProblem,
  PROBLEM_STATUS,
  type Problem,
  type ProblemCode,
  type StaleProblem,
  type WireRecord,
  type Writer,
} from '../protocol/index.ts'

const TITLES: Record<ProblemCode, string> = {
  malformed: 'The request could not be read',
  unauthenticated: 'Nobody is signed in',
  forbidden: 'Not allowed',
  cross_origin: 'The request comes from another site',
  live_off: 'Live events are turned off',
  not_found: 'Not found',
  too_slow: 'The upload is too slow',
  stale_record: 'The record has changed',
  mutation_reused: 'The mutation id was used for something else',
  proposal_decided: 'The proposal has been decided',
  deleted: 'The record was deleted',
  no_longer_known: 'What the record was is not known any more',
  too_large: 'The request is too large',
  invalid: 'Some values are not valid',
  version_required: 'The version is missing',
  rate_limited: 'Too many requests',
  internal: 'Something went wrong',
  unavailable: 'The database is not available',
}

const DETAILS: Partial<Record<ProblemCode, string>> = {
  unauthenticated: 'Sign in and try again.',
  forbidden: 'You may see this record, but not do this with it.',
  cross_origin:
    'Only pages of this application may send this request. Its operator can list further origins.',
  live_off: 'Saving works and is guarded; whether something changed has to be asked for.',
  not_found: 'There is no such record, or you may not see it.',
  proposal_decided: 'It was accepted or rejected already. Nothing was changed.',
  no_longer_known: 'The change log does not reach back to this version, or you may not see it.',
  mutation_reused: 'A mutation id names one write. Make a new one for other content.',
  too_large: 'Send less at a time.',
  version_required: 'Say which version you edited: client_version in the body, or If-Match.',
  rate_limited: 'Wait a moment and try again.',
  internal: 'The failure was logged. Trying again may help.',
  unavailable: 'Nothing was saved. Try again in a moment.',
}

/** A problem document with its code's status and title. `detail` is for people; the default fits most cases. */
export const problem = (code: ProblemCode, detail: string = DETAILS[code] ?? TITLES[code]): Problem => ({
  type: `urn:noclobber:${code.replaceAll('_', '-')}`,
  title: TITLES[code],
  status: PROBLEM_STATUS[code],
  code,
  detail,
})

/** Of a request that names thousands of fields which aren't there: the answer isn't a multiple of it. */
const MOST_ERRORS = 200

/** 422, with one entry for each error. */
export const invalidProblem = (all: FieldError[]): InvalidProblem => {
  const errors = all.slice(0, MOST_ERRORS)
  const detail = errors.map(({ field, message }) => (field ? `${field}: ${message}` : message)).join(' · ')
  return { ...problem('invalid', detail), code: 'invalid', errors }
}

/** "Bob", "Claude, for Alice": who wrote, in sentences. */
export const writerName = (writer: Writer | null): string => {
  const { name, on_behalf_of: person } = writer ?? { name: 'Somebody' }
  return person ? `${name}, for ${person.name},` : name
}

/** 410, for somebody who could read the record. */
export const deletedProblem = (
  version: number,
  updatedAt: string,
  updatedBy: Writer | null,
): DeletedProblem => ({
  ...problem('deleted', `${writerName(updatedBy)} deleted this record.`),
  code: 'deleted',
  version,
  updated_at: updatedAt,
  updated_by: updatedBy,
})

/**
 * 409; or 412 where the version came as `If-Match` (RFC 9110, 13.1.1).
 *
 * @param actorId Whose save it is: where their own earlier save made it stale, `detail` says so.
 */
export const staleProblem = (
  clientVersion: number,
  current: WireRecord,
  changedFields: string[] | null,
  byHeader: boolean,
  actorId: string,
): StaleProblem => {
  const { version, updated_by: by } = current
  const isOwn = by?.kind === 'user' && by.id === actorId
  const detail =
    version <= clientVersion
      ? `The record is at version ${version}; there is no version ${clientVersion} of it.`
      : isOwn
        ? `You saved version ${version} with another request: take the version from its answer.`
        : `${writerName(by)} saved version ${version} while you were editing version ${clientVersion}.`
  return {
    ...problem('stale_record', detail),
    status: byHeader ? 412 : PROBLEM_STATUS.stale_record,
    code: 'stale_record',
    client_version: clientVersion,
    current_version: current.version,
    changed_fields: changedFields,
    updated_at: current.updated_at,
    updated_by: current.updated_by,
    current,
  }
}

/** A refusal on its way out of nested calls: carries the document that will be answered. */
export class Refusal extends Error {
  readonly problem: Problem
  /** Which hosts answer with, where one is thrown in a route of the app's own. */
  readonly status: number
  constructor(refused: Problem, options?: ErrorOptions) {
    super(refused.detail, options)
    this.name = 'Refusal'
    this.problem = refused
    this.status = refused.status
  }
}

/** Throws a {@link Refusal} with this code. */
export const refuse = (code: ProblemCode, detail?: string): never => {
  throw new Refusal(problem(code, detail))
}

// What createRecordServer must be given, said to those whom no compiler says it.

/** @throws Error with a sentence where something is missing. */
export const checkGiven = (given: { hasOne: boolean; types: unknown; authenticate: unknown }) => {
  if (!given.hasOne)
    throw new Error(
      'createRecordServer takes either a `knex` or a `pool` of pg: createRecordServer({ pool: new pg.Pool({ connectionString }), … }).',
    )
  if (!Array.isArray(given.types))
    throw new Error('createRecordServer takes `types`, a list of what defineRecordType gives.')
  if (typeof given.authenticate !== 'function')
    throw new Error(
      'createRecordServer takes `authenticate`, a function that says who sent a request: (request) => ({ id, name, tenantId }), or null.',
    )
}

// GET /openapi.json: the routes as an OpenAPI 3.1 document, made of the declared types, so that it can't fall behind.
// It names the types and those of their declared fields that the user may see, nothing else; it is kept for a base path and for as
// long as those who ask may see the same.
import type { Router } from 'router'
import { sendData } from '../../http/responses.ts'
import { handle } from '../../http/route-handler.ts'
import type { Database, KnownType } from '../../tables/database.ts'
import { COUNT_PATH, presencePath, STREAM_PATH } from './live-paths.ts'
import { listPaths, type Part, recordPaths, WIDE_PATHS } from './paths.ts'
import { proposalPaths, restorePaths } from './review-paths.ts'
import { schemaName, typeSchemas, WIRE_SCHEMAS } from './schemas.ts'

const TITLE = 'Records'
const API_VERSION = '1'

/** The document for these types, mounted at this path. */
const openApiDocument = (types: KnownType[], basePath: string): Part => ({
  openapi: '3.1.0',
  info: { title: TITLE, version: API_VERSION },
  servers: [{ url: basePath || '/' }],
  security: [{ cookie: [] }, { bearer: [] }],
  paths: Object.assign(
    {},
    WIDE_PATHS,
    STREAM_PATH,
    COUNT_PATH,
    ...types.flatMap((known) => {
      const name = schemaName(known.type.name)
      return [
        listPaths(known, name),
        recordPaths(known.type.name, name),
        restorePaths(known.type.name, name),
        presencePath(known.type.name, name),
        proposalPaths(known.type.name, name),
      ]
    }),
  ),
  components: {
    schemas: Object.assign({}, WIRE_SCHEMAS, ...types.map(typeSchemas)),
    securitySchemes: {
      cookie: { type: 'apiKey', in: 'cookie', name: 'session', description: 'As the application signs in.' },
      bearer: { type: 'http', scheme: 'bearer' },
    },
  },
})

/** Stands behind {@link admit}. The types rarely change, and a router has few base paths. */
export const addOpenApiRoute = (router: Router, database: Database): void => {
  let made = { basePath: '', types: [] as KnownType[], document: null as Part | null }
  router.get(
    '/openapi.json',
    handle(async (request, response, actor) => {
      const { tenantId } = actor
      await database.ready(undefined, tenantId)
      const { baseUrl } = request
      const types = database.types(tenantId).map((known) => known.forActor(actor))
      const isSame =
        types.length === made.types.length && types.every((known, at) => known === made.types[at])
      if (!made.document || !isSame || made.basePath !== baseUrl)
        made = { basePath: baseUrl, types, document: openApiDocument(types, baseUrl) }
      sendData(response, made.document as Part)
    }),
  )
}

// GET /openapi.json: the routes as an OpenAPI 3.1 document, made of the declared types, so that it can't fall behind.
// It names the types and their declared fields to whoever asks, as every page that shows them does; nothing else.
import type { Router } from 'express'
import { sendData } from '../../http/responses.ts'
import type { Database, KnownType } from '../../tables/database.ts'
import { listPaths, type Part, recordPaths, WIDE_PATHS } from './paths.ts'
import { schemaName, typeSchemas, WIRE_SCHEMAS } from './schemas.ts'

const TITLE = 'Records'
const API_VERSION = '1'

/** The document for these types, mounted at this path. */
export const openApiDocument = (types: KnownType[], basePath: string): Part => ({
  openapi: '3.1.0',
  info: { title: TITLE, version: API_VERSION },
  servers: [{ url: basePath || '/' }],
  security: [{ cookie: [] }, { bearer: [] }],
  paths: Object.assign(
    {},
    WIDE_PATHS,
    ...types.flatMap((known) => {
      const name = schemaName(known.type.name)
      return [listPaths(known, name), recordPaths(known.type.name, name)]
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

export const addOpenApiRoute = (router: Router, database: Database): void => {
  router.get('/openapi.json', async (request, response) => {
    await database.ready()
    sendData(response, openApiDocument(database.types(), request.baseUrl))
  })
}

// The TypeScript of README and docs is checked by the compiler against the doors as they are. What a block takes from the page around
// it, or from the reader's app, is declared once below.
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { proposalFor } from '../../server/setup/look-at-tables.ts'
import type { Orm } from '../../server/setup/migration-places.ts'
import { propose } from '../../server/setup/propose.ts'
import { atEnd } from '../support/at-end.ts'
import { blocksOf } from '../support/guide.ts'
import { root } from './sources.ts'

const run = promisify(execFile)

/** The reader's app. */
const DECLARED = `
import type { QueryClient } from '@tanstack/react-query'
import type { Express } from 'express'
import type { Knex } from 'knex'
import type { createRecordClient as CreateClient, RecordClient } from 'noclobber/client'
import type { trackTable as TrackTable } from 'noclobber/migrations'
import type { createOffline as CreateOffline } from 'noclobber/offline'
import type { RecordEditor } from 'noclobber/react'
import type * as Server from 'noclobber/server'
import type { Actor, RecordServerOptions, RecordType } from 'noclobber/server'
import type { StandardSchemaV1 } from '@standard-schema/spec'

declare global {
  interface Project { name: string; budget: number | null }
  interface Task { title: string }
  const app: Express
  const express: typeof import('express')
  const knex: Knex
  const project: RecordType
  const types: RecordType[]
  const fields: Record<string, StandardSchemaV1>
  type RecordServer = Server.RecordServer
  const records: RecordServer
  const createRecordServer: typeof Server.createRecordServer
  const defineRecordType: typeof Server.defineRecordType
  const createRecordClient: typeof CreateClient
  const trackTable: typeof TrackTable
  const createOffline: typeof CreateOffline
  const Redis: typeof import('ioredis').Redis
  const httpServer: import('node:http').Server
  const post: RecordType
  const pause: (ms: number) => Promise<void>
  const options: RecordServerOptions
  const authenticate: (request: unknown) => Actor | null
  const sessionOf: (request: unknown) => Promise<Actor | null>
  const log: Pick<Console, 'info' | 'warn' | 'error'>
  const redis: import('ioredis').Redis
  const actor: Actor
  const tenantId: string, userId: string, id: string, title: string, labels: string[]
  const clientVersion: number
  const changes: Record<string, unknown>
  const refusal: (refused: { problem: object }) => Error
  const client: RecordClient
  const editor: RecordEditor<Project>
  const session: { token: string }
  const me: { id: string }
  const queryClient: QueryClient
  const mutate: (key: string) => Promise<unknown>
  const store: { dispatch(action: unknown): unknown }
  const api: { util: { invalidateTags(tags: 'Dashboard'[]): unknown } }
  const loadDashboard: () => Promise<void>, loadData: () => Promise<void>
  const input: { files: [File] }
  const show: (progress: unknown) => void
  const signal: AbortSignal
  const list: (...row: unknown[]) => void
  const selected: Set<string>
  const form: { setValues(values: object): void }
  const Row: (props: { task: unknown; highlight: unknown }) => import('react').ReactNode
  const useEffect: typeof import('react').useEffect
  const firstInSight: number, lastInSight: number, importId: string
  const bulk: { records: Parameters<RecordClient['undoMany']>[1] }
  const tenantOf: (request: unknown) => string
  const serverOf: (tenant: string) => RecordServer | undefined
  const servers: Map<string, RecordServer>
}
`

const CONFIG = {
  extends: '../../tsconfig.base.json',
  compilerOptions: {
    ...{
      noEmit: true,
      composite: false,
      declaration: false,
      incremental: false,
      skipLibCheck: true,
      jsx: 'react-jsx',
    },
    ...{
      noUnusedLocals: false,
      noUnusedParameters: false,
      noImplicitAny: false,
      rootDir: '../..',
      exactOptionalPropertyTypes: false,
      isolatedModules: false,
    },
    ...{
      lib: ['ES2023', 'ES2024.String', 'DOM', 'DOM.Iterable'],
      types: ['node', 'vite/client'],
      rewriteRelativeImportExtensions: false,
    },
    ...{ moduleDetection: 'force', verbatimModuleSyntax: false, erasableSyntaxOnly: false },
    paths: Object.fromEntries(
      Object.entries({
        server: 'server',
        migrations: 'migrations',
        client: 'web/client',
        react: 'web/react',
        dom: 'web/dom',
        history: 'web/react/history',
        'react-hook-form': 'web/react-hook-form',
        'tanstack-query': 'web/tanstack-query',
        offline: 'web/client/offline',
        mcp: 'server/mcp',
        testing: 'testing',
        devtools: 'web/devtools',
      }).map(([door, path]) => [`noclobber/${door}`, [`../../${path}/index.ts`]]),
    ),
  },
}

/** What `npx noclobber init` writes in TypeScript, for each tool of migrations. */
async function writeProposals(folder: string) {
  const column = { isNull: false, hasDefault: false, isFixed: false, values: null }
  const columns = [
    ...[
      'text',
      'integer',
      'bigint',
      'boolean',
      'uuid',
      'jsonb',
      'date',
      'numeric',
      'character varying(9)',
    ].map((type, at) => ({ ...column, name: `c${at}`, type, isNull: at % 2 === 0 })),
    { ...column, name: 'odd name', type: 'mood', values: ["it's", 'glad'] },
    { ...column, name: 'tenant_id', type: 'integer' },
  ]
  const table = proposalFor({ name: 'order_lines', key: ['id'], columns, whyNot: null, isTracked: false })
  for (const orm of ['knex', 'sequelize', 'typeorm', 'drizzle', null] satisfies (Orm | null)[]) {
    const app = {
      ...{
        root: folder,
        orm,
        host: 'express' as const,
        isModule: true,
        language: 'ts' as const,
        serverFile: null,
      },
      packages: new Map([['pg', '8.11.0']]),
      migrations: { folder: 'migrations', extension: '', isThere: false },
      ...{
        listenFile: null,
        pages: null,
        altersIn: null,
        remakesIn: null,
        ...{ migrateScript: null, dataSourceFile: null },
        importsEndIn: '' as const,
        readsUrl: true,
        envFile: null,
        hasOwnApi: false,
        proxyFile: null,
      },
    }
    const { files } = propose(app, [table], { typescript: true, tables: [], now: new Date() })
    for (const { path, text } of files) {
      const place = join(folder, `init-${orm}`, path)
      await mkdir(dirname(place), { recursive: true })
      await writeFile(place, text)
    }
  }
}

test('every block of TypeScript compiles, and what init writes', async () => {
  const pages = [
    'README.md',
    ...(await readdir(join(root, 'docs')))
      .filter((name) => name.endsWith('.md'))
      .map((name) => `docs/${name}`),
  ]
  const parent = join(root, '.noclobber')
  await mkdir(parent, { recursive: true })
  const folder = await mkdtemp(join(parent, 'types-'))
  atEnd(() => rm(folder, { recursive: true, force: true }))
  let count = 0
  for (const page of pages) {
    const place = join(folder, page.replace(/\W/g, '-'))
    await mkdir(place)
    for (const [at, { language, code, file }] of (await blocksOf(page)).entries()) {
      if (language === 'prisma') await writeFile(join(place, file ?? ''), code)
      if (language !== 'ts' && language !== 'tsx') continue
      count += 1
      await writeFile(join(place, file ?? `block-${at}.${language}`), code)
    }
    await writeFile(
      join(place, 'sessions.ts'),
      `import type { Actor } from 'noclobber/server'
export declare const sessionOf: (request: unknown) => Promise<(Actor & { roles: string[] }) | null>\n`,
    )
  }
  await run(join(root, 'node_modules/.bin/prisma'), ['generate', '--schema', 'schema.prisma'], {
    cwd: join(folder, 'docs-stacks-md'),
    env: { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: process.execPath, CHECKPOINT_DISABLE: '1' },
  })
  await writeProposals(folder)
  await writeFile(join(folder, 'declared.d.ts'), DECLARED)
  await writeFile(
    join(folder, 'vue.d.ts'),
    "declare module 'vue/dist/vue.esm-bundler.js' { export * from 'vue' }\n",
  )
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(CONFIG))
  expect(count).toBeGreaterThan(20)
  const { stdout } = await run(join(root, 'node_modules/.bin/tsc'), ['-p', folder], { cwd: folder }).catch(
    (error) => error,
  )
  expect(stdout.trim().split('\n')).toEqual([''])
})

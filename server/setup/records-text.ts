// The file that declares the types and makes the server, as text. Invariant: as it is written it lets nobody in, and no column whose
// name looks like a secret is in a type.
import type { FoundColumn, TableProposal } from './look-at-tables.ts'
import type { Form } from './migration-text.ts'

const SINGULAR: [RegExp, string][] = [
  [/(series|species|news|media|data)$/, '$1'],
  [/(mov|cook|calor|brown|zomb)ies$/, '$1ie'],
  [/ies$/, 'y'],
  [/(stat|bon|vir|camp|cens|[^o]b)uses$/, '$1us'],
  [/(cach|ach)es$/, '$1e'],
  [/(alias|ss|sh|ch|x)es$/, '$1'],
  [/people$/, 'person'],
  [/children$/, 'child'],
  [/(us|ss)$/, '$1'],
  [/s$/, ''],
]

/** `order_lines` → `order_line`, `Statuses` → `status`. */
export function typeNameOf(table: string): string {
  const name = table
    .replace(/^.*\./, '')
    .replace(/([a-z\d])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .replace(/\W/g, '_')
    .replace(/^[^a-z]+/, '')
  const [plural, one] = SINGULAR.find(([pattern]) => pattern.test(name)) ?? [/$/, '']
  return name.replace(plural, one) || 'record'
}

const quoted = (text: string) => `'${text.replace(/[\\']/g, '\\$&')}'`

function schemaOf({ type, isNull, hasDefault, values }: FoundColumn): string {
  const [, length] = /^character(?: varying)?\((\d+)\)$/.exec(type) ?? []
  const base = values
    ? `z.enum([${values.map(quoted).join(', ')}])`
    : length
      ? `z.string().max(${length})`
      : /^(smallint|integer)$/.test(type)
        ? 'z.number().int()'
        : /^(bigint|numeric)/.test(type)
          ? 'z.union([z.number(), z.string()])'
          : /^(real|double precision)$/.test(type)
            ? 'z.number()'
            : type === 'boolean'
              ? 'z.boolean()'
              : type === 'uuid'
                ? 'z.string().uuid()'
                : /^jsonb?$/.test(type)
                  ? 'z.any()'
                  : 'z.string()'
  const made = isNull ? `${base}.nullable()` : base
  return hasDefault || isNull ? `${made}.optional()` : made
}

const isName = (text: string) => /^[A-Za-z_$][\w$]*$/.test(text)

const typeText = (table: TableProposal, isShared: boolean) => {
  const name = typeNameOf(table.name)
  return [
    `const ${name} = defineRecordType(${quoted(name)}, {`,
    `  table: ${quoted(table.name)},`,
    '  // What people see and edit. A column that is not named here is neither shown nor written.',
    '  fields: {',
    ...table.fields.map(
      (column) =>
        `    ${isName(column.name) ? column.name : quoted(column.name)}: ${schemaOf(column)},${
          /^timestamp.*without/.test(column.type) ? ' // without a time zone: it has no Z' : ''
        }`,
    ),
    '  },',
    ...(table.secrets.length > 0 ? [`  // Left out by their names: ${table.secrets.join(', ')}.`] : []),
    isShared
      ? '  // It has no tenant, so this lets everybody of every tenant do everything: say who may. action: read, create, update, delete …'
      : '  // Who may: everybody of the tenant, until you say otherwise. action: read, create, update, delete …',
    '  can: (actor, action, record) => true,',
    '})',
    '',
  ]
}

const WHO = [
  '/**',
  ' * Who sent this request: { id, name, tenantId, … }, or null. As it stands it lets nobody in. It is asked for sockets too, whose',
  ' * handshake has passed none of your middlewares: read the Cookie or the Authorization header.',
]

/**
 * `hasDotenv`: the app reads its `.env` by it, maybe after this file is imported. `basePath`: where the routes are, if not below
 * `/api/v1`.
 */
export function recordsText(
  tables: TableProposal[],
  form: Form,
  { hasDotenv, basePath }: { hasDotenv: boolean; basePath: string | null },
): string {
  const names = tables.map(({ name }) => typeNameOf(name))
  const typed = form === 'ts'
  const hasTenants = tables.some(({ options }) => options.tenant !== undefined)
  const maybe = tables.flatMap(({ maybeTenant }) => maybeTenant.slice(0, 1))
  const isOneTenant = tables.every(({ options }) => options.tenant === undefined) && maybe.length === 0
  const imports = ['createRecordServer', ...(tables.length > 0 ? ['defineRecordType'] : [])].join(', ')
  return [
    '// Written by `npx noclobber init`, and yours from now on: docs/embedding.md of the package.',
    ...(hasDotenv ? [form === 'cjs' ? `require('dotenv/config')` : `import 'dotenv/config'`] : []),
    ...(form === 'cjs'
      ? [`const { ${imports} } = require('noclobber/server')`, `const pg = require('pg')`]
      : [
          ...(typed
            ? [
                `import type { IncomingMessage } from 'node:http'`,
                `import type { Actor } from 'noclobber/server'`,
              ]
            : []),
          `import { ${imports} } from 'noclobber/server'`,
          `import pg from 'pg'`,
        ]),
    ...(tables.length === 0
      ? []
      : [form === 'cjs' ? `const { z } = require('zod')` : `import { z } from 'zod'`]),
    '',
    ...WHO,
    ...(isOneTenant ? [` * No table has a tenant's column: let tenantId be any constant, 'app'.`] : []),
    ...(maybe[0] ? [` * tenantId: the person's ${maybe[0]}, if that is the tenant; else any constant.`] : []),
    ' */',
    typed
      ? 'async function sessionOf(request: IncomingMessage): Promise<Actor | null> {'
      : 'async function sessionOf(request) {',
    '  return null',
    '}',
    '',
    ...tables.flatMap((table) => typeText(table, table.options.tenant === undefined && hasTenants)),
    `const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL })   // or your own pool or Knex: { knex }`,
    `${form === 'cjs' ? 'const' : 'export const'} records = createRecordServer({ pool, types: [${names.join(', ')}], authenticate: sessionOf${basePath ? `, basePath: '${basePath}'` : ''} })`,
    ...(form === 'cjs' ? ['', 'module.exports = { records }'] : []),
    '',
  ].join('\n')
}

// A role as a careful app has it: no superuser, not the owner of its tables, with the rights that docs/operating.md grants.
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { atEnd } from './at-end.ts'

const OPERATING = fileURLToPath(new URL('../../docs/operating.md', import.meta.url))

/** The SQL that the manual gives under a heading. */
export const manualSql = async (heading: string): Promise<string> => {
  const text = await readFile(OPERATING, 'utf8')
  const section = text.slice(text.indexOf(`## ${heading}`))
  const [, sql] = /```sql\n([\s\S]*?)```/.exec(section) ?? []
  if (!sql) throw new Error(`docs/operating.md has no SQL under "${heading}".`)
  return sql
}

/** Makes it, with the rights on the tables of these schemas. It is dropped at the end. */
export const ordinaryRole = async (
  sql: (text: string) => Promise<unknown>,
  databaseUrl: string,
  schemas = ['public'],
): Promise<{ role: string; url: string }> => {
  const role = `app_${randomBytes(6).toString('hex')}`
  await sql(`create role ${role} login password 'x'`)
  atEnd(() => sql(`drop owned by ${role}; drop role ${role}`))
  for (const schema of schemas)
    await sql(`grant usage on schema ${schema} to ${role};
      grant select, insert, update, delete on all tables in schema ${schema} to ${role};
      grant usage on all sequences in schema ${schema} to ${role}`)
  await sql((await manualSql("Rights of the server's role")).replaceAll(' to app;', ` to ${role};`))
  const url = new URL(databaseUrl)
  Object.assign(url, { username: role, password: 'x' })
  return { role, url: url.href }
}

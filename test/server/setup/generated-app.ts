// Apps that are generated for `noclobber init`, and the command in their folder.
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import pg from 'pg'
import { onTestFinished } from 'vitest'
import { runCommand } from '../../../server/cli/run.ts'
import { root } from '../../architecture/sources.ts'
import { freshDatabase } from '../../support/postgres.ts'

export interface Shape {
  files: Record<string, string>
  manifest: object
  /** Its node_modules: what it imports, by the name of what is installed here. */
  links: Record<string, string>
}

export async function generate({ files, manifest, links }: Shape): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'noclobber-init-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const all = { 'package.json': JSON.stringify(manifest), ...files }
  for (const [path, text] of Object.entries(all)) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), text)
  }
  for (const [name, target] of Object.entries({ ...links, noclobber: '.', zod: 'zod' })) {
    await mkdir(dirname(join(folder, 'node_modules', name)), { recursive: true })
    await symlink(
      target === '.' ? root : join(root, 'node_modules', target),
      join(folder, 'node_modules', name),
    )
  }
  return folder
}

export async function run(cwd: string, args: string[], env: Record<string, string> = {}, more: object = {}) {
  const out: string[] = []
  const err: string[] = []
  const terminal = { out: (line: string) => void out.push(line), err: (line: string) => void err.push(line) }
  const signal = new AbortController().signal
  const code = await runCommand(args, { ...terminal, env, cwd, signal, ...more })
  return { code, out, err, text: out.join('\n') }
}

export async function database(sql: string) {
  const { url } = await freshDatabase({ migrated: false })
  const client = new pg.Client(url)
  await client.connect()
  await client.query(sql)
  await client.end()
  return url
}

export const POSTS = `create table posts (id serial primary key, tenant_id integer not null, title varchar(80) not null, note text,
  state text not null default 'open', "createdAt" timestamptz not null default now(), "updatedAt" timestamptz not null default now());
insert into posts (tenant_id, title) values (1, 'Bridge');
create table users (id serial primary key, email text, password_hash text)`

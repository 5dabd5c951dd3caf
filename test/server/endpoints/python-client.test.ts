// docs/examples/client.py stands on docs/protocol.md alone: it follows changes and saves under guard, beside our own people.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { startApp } from '../../support/app.ts'
import { atEnd } from '../../support/at-end.ts'
import { findProgram, isWithout } from '../../support/programs.ts'
import { waitFor } from '../../support/wait-for.ts'

const client = fileURLToPath(new URL('../../../docs/examples/client.py', import.meta.url))

describe.skipIf(isWithout('python3'))('a program in Python', async () => {
  const app = await startApp()
  const python = isWithout('python3') ? '' : await findProgram('python3', ['python3'], 'python3')
  const state = await mkdtemp(join(tmpdir(), 'noclobber-python-'))
  atEnd(() => rm(state, { recursive: true, force: true }))

  const start = (...args: string[]): { child: ChildProcess; lines: string[]; errors: string[] } => {
    const common = ['--url', `${app.origin}/api/v1`, '--token', 'bob']
    const child = spawn(python, [client, ...common, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    atEnd(() => void child.kill('SIGKILL'))
    const read = (stream: NodeJS.ReadableStream) => {
      const lines: string[] = []
      createInterface({ input: stream }).on('line', (line) => lines.push(line))
      return lines
    }
    return { child, lines: read(child.stdout), errors: read(child.stderr) }
  }
  const ended = async (...args: string[]) => {
    const { child, lines, errors } = start(...args)
    const code = await new Promise((resolve) => child.once('close', resolve))
    return { code, said: [...lines, ...errors].join('\n') }
  }

  test('gets each change, also those of while it was down', async () => {
    const { id } = await app.make('project', { name: 'Harbour bridge' })
    const following = () => start('follow', '--cursor', 'start', '--state', join(state, 'cursor'))
    const changesOf = (lines: string[]) =>
      lines.map((line) => JSON.parse(line)).map(({ event, version }) => `${event} ${version}`)
    const first = following()
    await waitFor(() => first.lines.length === 1, { what: () => `a change; ${first.errors.join(' ')}` })
    const saved = await ended('set', 'project', id, 'name=Quay')
    expect([saved.code, JSON.parse(saved.said)]).toMatchObject([0, { version: 2, updated_by: { id: 'bob' } }])
    await waitFor(() => first.lines.length === 2, { what: 'its own change' })
    first.child.kill('SIGKILL')
    await app.sql(`update projects set name = 'Mole' where id = ${id}`)
    const second = following()
    await waitFor(() => changesOf(second.lines).includes('updated 3'), { what: 'what happened meanwhile' })
    expect(changesOf(first.lines)).toEqual(['created 1', 'updated 2'])
  })

  test('overwrites nobody: it goes on where nothing overlaps, and stops where something does', async () => {
    const { id } = await app.make('project', { name: 'Ferry dock' })
    expect(await ended('set', 'project', '999999', 'name=x')).toMatchObject({
      code: 1,
      said: expect.stringContaining('Not saved, 404 not_found'),
    })
    expect(await ended('set', 'project', id, 'status=sunk')).toMatchObject({
      code: 1,
      said: expect.stringContaining('422 invalid'),
    })
    const both = ['name=Pier', 'notes=wet'].map((change) => ended('set', 'project', id, change))
    expect((await Promise.all(both)).map(({ code }) => code)).toEqual([0, 0])
    const { body } = await app.call('GET', `/records/project/${id}`)
    expect(body.data).toMatchObject({ version: 3, fields: { name: 'Pier', notes: 'wet' } })

    // Somebody else's change that is not committed yet: the program has read version 3 when its save waits for the row.
    const writing = await app.knex.transaction()
    await writing.raw('update projects set status = ? where id = ?', ['active', id])
    const overlapping = ended('set', 'project', id, 'status=done')
    const waits = `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
      and query ~* 'update .*projects'`
    await waitFor(async () => (await app.sql(waits)).length > 0, { what: 'the save that waits' })
    await writing.commit()
    expect(await overlapping).toMatchObject({
      code: 1,
      said: expect.stringContaining('Not saved, 409 stale_record'),
    })
  })
})

// The built program as a terminal ends it: by Ctrl-C, which every process of the terminal's group gets, or by SIGTERM.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { buildPackage } from '../../support/built.ts'
import { startChangeApp } from '../../support/change-app.ts'
import { waitFor } from '../../support/wait-for.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const program = join(root, 'dist/server/cli/main.js')

beforeAll(async () => {
  await buildPackage()
})

/** A folder in which `npx noclobber` is the program, as where it was installed. */
const installed = async () => {
  const dir = await mkdtemp(join(tmpdir(), 'noclobber-npx-'))
  onTestFinished(() => rm(dir, { recursive: true }))
  await mkdir(join(dir, 'node_modules/.bin'), { recursive: true })
  await chmod(program, 0o755)
  await symlink(program, join(dir, 'node_modules/.bin/noclobber'))
  return dir
}

/** Runs it in a process group of its own, as a terminal does. */
const run = (command: string, args: string[], cwd: string) => {
  const child = spawn(command, args, { cwd, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  const written = { out: '', err: '' }
  child.stdout.setEncoding('utf8').on('data', (text) => {
    written.out += text
  })
  child.stderr.setEncoding('utf8').on('data', (text) => {
    written.err += text
  })
  let isOver = false
  const exited = once(child, 'exit')
  const ended = once(child, 'close').then(() => {
    isOver = true
  })
  onTestFinished(() => {
    if (!isOver) process.kill(-(child.pid as number), 'SIGKILL')
  })
  return {
    written,
    /** Its exit code and signal, once nobody of its group can write any more. */
    ended: async () => {
      await ended
      return exited
    },
    pressCtrlC: () => isOver || process.kill(-(child.pid as number), 'SIGINT'),
    terminate: () => child.kill('SIGTERM'),
  }
}

type Running = ReturnType<typeof run>

/** Follows the changes, and is ended while three thousand come. Gives the exit code and signal. */
const follow = async (before: string[], cwd: string, end: (running: Running) => void) => {
  const app = await startChangeApp()
  const [command = '', ...first] = before
  const args = ['changes', '--follow', '--json', '--cursor', 'start', '--database', app.databaseUrl]
  const running = run(command, [...first, ...args], cwd)
  await app.sql(`insert into notes (tenant_id, title) values ('a', 'first')`)
  await waitFor(() => running.written.out.includes('created'), {
    what: 'the first change',
    deadlineMs: 30_000,
  })
  await app.sql(`insert into notes (tenant_id, title) select 'a', 'more' from generate_series(1, 3000)`)
  end(running)
  const exit = await running.ended()
  const lines = running.written.out.split('\n')
  expect(lines.pop()).toBe('')
  const said = lines.map((line) => JSON.parse(line))
  expect(said.pop()).toEqual({ cursor: expect.any(String) })
  expect(said.every(({ event }) => event === 'created')).toBe(true)
  expect(running.written.err.replace(/^npm warn .*\n/gm, '')).toBe('')
  return exit
}

const DIRECTLY = [process.execPath, program]
const BY_NPX = ['npx', '--offline', 'noclobber']

test('changes --follow ends at Ctrl-C with code 0, having said the last cursor', async () => {
  expect(await follow(DIRECTLY, root, ({ pressCtrlC }) => pressCtrlC())).toEqual([0, null])
})

test('changes --follow ends at SIGTERM as well', { tags: 'full' }, async () => {
  expect(await follow(DIRECTLY, root, ({ terminate }) => terminate())).toEqual([0, null])
})

test('a Ctrl-C that arrives once more by way of a package runner is one Ctrl-C', {
  tags: 'full',
}, async () => {
  const twice = (running: Running) => {
    running.pressCtrlC()
    setTimeout(running.pressCtrlC, 20)
  }
  expect(await follow(DIRECTLY, root, twice)).toEqual([0, null])
})

test('changes --follow through npx ends at Ctrl-C, having said the last cursor', async () => {
  const exit = await follow(BY_NPX, await installed(), ({ pressCtrlC }) => pressCtrlC())
  // A shell between npx and the program, as Debian's is, makes a signal of what ended well.
  expect([
    [0, null],
    [130, null],
    [null, 'SIGINT'],
  ]).toContainEqual(exit)
})

test('changes --follow does not outlive an npx that is terminated', { tags: 'full' }, async () => {
  await follow(BY_NPX, await installed(), ({ terminate }) => terminate())
})

test('a command that waits for a database which does not answer ends at Ctrl-C', async () => {
  const hole = createServer(() => {}).listen(0, '127.0.0.1')
  await once(hole, 'listening')
  onTestFinished(() => void hole.close())
  const { port } = hole.address() as AddressInfo
  const running = run(
    process.execPath,
    [program, 'status', '--database', `postgres://me@127.0.0.1:${port}/none`],
    root,
  )
  await once(hole, 'connection')
  running.pressCtrlC()
  expect(await running.ended()).toEqual([130, null])
})

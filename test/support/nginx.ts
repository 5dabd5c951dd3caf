// nginx on a free port, with the project's own configuration before nodes of this machine. It ends with the test file.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import http from 'node:http'
import https from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../scripts/free-port.js'
import { atEnd } from './at-end.ts'
import { certificate } from './certificate.ts'
import { findProgram } from './programs.ts'
import { waitFor } from './wait-for.ts'

const conf = fileURLToPath(new URL('../../deploy/nginx.conf', import.meta.url))

/** `deploy/nginx.conf` word for word, but for the port, the certificate and the nodes' addresses; a node that is left out is no line. */
const configured = async (dir: string, port: number, nodes: string[], isHttp2: boolean) => {
  let text = await readFile(conf, 'utf8')
  const change = (from: string, to: string) => {
    if (!text.includes(from)) throw new Error(`deploy/nginx.conf has no "${from}".`)
    text = text.replace(from, to)
  }
  const tls = `ssl_certificate ${dir}/cert.pem;\n  ssl_certificate_key ${dir}/key.pem;`
  change(
    'listen 80;',
    isHttp2 ? `listen 127.0.0.1:${port} ssl http2;\n  ${tls}` : `listen 127.0.0.1:${port};`,
  )
  for (const [place, url] of nodes.entries())
    change(`server node${place + 1}:3000`, `server 127.0.0.1:${new URL(url).port}`)
  text = text.replace(/^ *server node\d.*\n/gm, '')
  const kinds = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  const temp = kinds.map((kind) => `${kind}_temp_path ${dir}/${kind};`).join('\n')
  return `daemon off;\npid ${dir}/nginx.pid;\nerror_log ${dir}/error.log;\nevents {}\nhttp {\naccess_log off;\n${temp}\n${text}\n}\n`
}

export interface TestNginx {
  url: string
  /** What it has to say about its nodes. */
  log(): Promise<string>
}

/** Starts it before these nodes and waits until it answers. `http2`: with TLS, and HTTP/2 for those who ask for it. */
export async function startNginx(nodes: string[], { http2 = false } = {}): Promise<TestNginx> {
  const program = await findProgram('nginx', ['nginx'], 'nginx-light')
  const dir = await mkdtemp(join(tmpdir(), 'noclobber-nginx-'))
  await chmod(dir, 0o755)
  const port = await freePort()
  await writeFile(join(dir, 'nginx.conf'), await configured(dir, port, nodes, http2))
  await writeFile(join(dir, 'key.pem'), certificate.key)
  await writeFile(join(dir, 'cert.pem'), certificate.cert)
  const child = spawn(program, ['-p', dir, '-c', join(dir, 'nginx.conf'), '-e', join(dir, 'error.log')], {
    stdio: 'ignore',
  })
  const ended = once(child, 'close')
  atEnd(async () => {
    child.kill('SIGTERM')
    await ended
    await rm(dir, { recursive: true, force: true })
  })
  const url = `${http2 ? 'https' : 'http'}://127.0.0.1:${port}`
  const log = () => readFile(join(dir, 'error.log'), 'utf8').catch(() => 'no log')
  await waitFor(
    () =>
      new Promise<boolean>((resolve) => {
        const get = http2 ? https.get : http.get
        get(`${url}/healthz`, { rejectUnauthorized: false }, (response) => {
          response.resume()
          resolve(response.statusCode === 200)
        }).on('error', () => resolve(false))
      }),
    {
      what: async () => `nginx: ${await log()}`,
      deadlineMs: 20_000,
    },
  )
  return { url, log }
}

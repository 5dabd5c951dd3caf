// The sessions of docs/protocol.md, run as they stand there against a demo that was just started: what they print is
// what they are said to print.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { atEnd } from '../../support/at-end.ts'
import { startDemo } from '../../support/demo.ts'
import { waitFor } from '../../support/wait-for.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))

/** What is typed, and the lines that are said to come of it. */
interface Step {
  command: string
  isProgram: boolean
  lines: string[]
}

/** Fenced blocks: a program is followed by a block of what it prints, a command by its answer. */
const stepsOf = (document: string): Step[] => {
  const steps: Step[] = []
  for (const [, language, text = ''] of document.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)) {
    if (language === 'js') steps.push({ command: text, isProgram: true, lines: [] })
    else if (language === '') {
      for (const line of text.split('\n').filter((line) => line !== '')) {
        if (line.startsWith('$ ')) steps.push({ command: line.slice(2), isProgram: false, lines: [] })
        else steps.at(-1)?.lines.push(line)
      }
    }
  }
  return steps
}

type Json = null | boolean | number | string | Json[] | { [name: string]: Json }

/** Everything that is shown stands there; what is left out may be anything. */
const holds = (shown: Json, actual: Json): boolean => {
  if (typeof shown === 'string' && shown.endsWith('…'))
    return typeof actual === 'string' && actual.startsWith(shown.slice(0, -1))
  if (Array.isArray(shown))
    return (
      Array.isArray(actual) &&
      shown.length === actual.length &&
      shown.every((one, at) => holds(one, actual[at] as Json))
    )
  if (typeof shown !== 'object' || shown === null) return shown === actual
  if (typeof actual !== 'object' || actual === null || Array.isArray(actual)) return false
  return Object.entries(shown).every(([name, value]) => name in actual && holds(value, actual[name] as Json))
}

const fits = (shown: string, actual: string): boolean => {
  const at = shown.indexOf('{')
  if (at < 0) return shown.endsWith('…') ? actual.startsWith(shown.slice(0, -1)) : shown === actual
  if (!actual.startsWith(shown.slice(0, at + 1))) return false
  const template = shown.slice(at).replaceAll('{…}', '{}').replaceAll(',…', '')
  return holds(JSON.parse(template), JSON.parse(actual.slice(at)))
}

/** The shown line that has not come yet, in order; `undefined`: all came. */
const missing = (shown: string[], said: string): string | undefined => {
  const actual = said.split(/\r?\n/).slice(0, -1)
  let at = 0
  return shown.find((line) => {
    const found = actual.findIndex((one, index) => index >= at && fits(line, one))
    at = found + 1
    return found < 0
  })
}

it('print what the document shows', async () => {
  const demo = await startDemo()
  const steps = stepsOf(
    (await readFile(`${root}/docs/protocol.md`, 'utf8')).split('## Events, by three wires')[1] ?? '',
  )
  expect(steps.filter(({ isProgram }) => isProgram)).toHaveLength(1)
  expect(steps.filter(({ command }) => command.startsWith('curl '))).toHaveLength(8)

  const listening: { child: ChildProcess; step: Step; said: () => string }[] = []
  let lastId = ''

  /** Until what is listened to has all come; then it is ended. */
  const receiveAll = async () => {
    for (const { child, step, said } of listening.splice(0)) {
      await waitFor(() => missing(step.lines, said()) === undefined, {
        what: () => `${missing(step.lines, said())} in\n${said()}`,
        deadlineMs: 30_000,
      })
      lastId = [...said().matchAll(/^id: (.+)$/gm)].at(-1)?.[1] ?? lastId
      child.kill('SIGKILL')
      await once(child, 'close')
    }
  }

  for (const step of steps) {
    const isListening = step.isProgram || step.command.startsWith('curl -N')
    const here = step.command
      .replaceAll('http://localhost:3000', demo.url)
      .replaceAll('localhost:3000', new URL(demo.url).host)
      .replace(/(?<=Last-Event-ID: )\S*…/, lastId)
    const child = step.isProgram
      ? spawn(process.execPath, ['--input-type=module', '--eval', here], { cwd: root })
      : spawn('sh', ['-c', `exec ${here.replace('curl', 'curl -sS')}`])
    atEnd(() => child.kill('SIGKILL'))
    let text = ''
    const said = () => text
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (piece: string) => {
        text += piece
      })
    if (isListening) {
      listening.push({ child, step, said })
      // Nothing is changed before it listens: the last line that can have come by then is what it watches.
      await waitFor(() => /[Ww]atching/.test(text), {
        what: `what is watched: ${step.command}`,
        deadlineMs: 30_000,
      })
    } else {
      await once(child, 'close')
      expect(missing(step.lines, `${text}\n`), text).toBeUndefined()
      await receiveAll()
    }
  }
  await receiveAll()
}, 120_000)

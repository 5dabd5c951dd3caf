// `npm run soak -- attacks`: what one person's attack costs a second person's saves, on a server with its defaults and a
// PostgreSQL of its own. Calm and attack take turns; server, saves and attack are processes of their own.
// Fails where the saves' p99 beside an attack, in the median of rounds, is three times that of calm or more, and where one
// of them is refused. Options: --only=WORD --rounds=3 --seconds=6 --rate=30 --size=50 (connections of an attack)
import { setTimeout as pause } from 'node:timers/promises'
import { startChild } from '../bench/child.js'
import { openDatabases } from '../bench/database.js'
import { ATTACKS } from '../bench/load/attacks.js'
import { median } from '../bench/rounds.js'
import { prepareTables } from '../bench/tables.js'

const textOption = (wanted) =>
  process.argv.find((argument) => argument.startsWith(`--${wanted}=`))?.split('=')[1]
const option = (wanted, fallback) => Number(textOption(wanted) ?? fallback)
const rounds = option('rounds', 3)
const partMs = option('seconds', 6) * 1_000
const rate = option('rate', 30)
const size = option('size', 50)
const only = textOption('only') ?? ''

const RECORDS = 20_000
/** Records that only the attacker saves. */
const OWN = 4_000
const SETTLE_MS = 1_000
const MOST_RATIO = 3

const failures = []
const databases = await openDatabases({ durable: true })
const ends = [databases.close]
try {
  const url = await databases.fresh()
  await prepareTables(url, RECORDS + OWN)
  const server = await startChild('servers/attacked.js', { url })
  ends.push(server.stop)
  const port = await server.call('port')
  const office = await startChild('load/steady.js', { port, rows: RECORDS })
  ends.push(office.stop)
  const ids = Array.from({ length: OWN }, (_, n) => RECORDS + n + 1)
  const attacker = await startChild('load/attacks.js', { port, ids, size })
  ends.push(attacker.stop)

  const spent = async () => {
    const { processorMs: node, loopP99: loop } = await server.call('spent')
    return { node, loop, database: await databases.processorMs() }
  }
  /** Saves for so long: how long they took, and what node and database did meanwhile, in hundredths of a processor. */
  const saving = async (ms) => {
    const before = await spent()
    const begunAt = performance.now()
    await office.call('begin', rate)
    await pause(ms)
    const took = await office.call('end')
    const after = await spent()
    const share = (name) => (100 * (after[name] - before[name])) / (performance.now() - begunAt)
    return { ...took, node: share('node'), database: share('database'), loop: after.loop }
  }
  console.log(`${rate} saves a second, ${size} connections of an attack, ${rounds} rounds, ${databases.name}`)
  await saving(3_000)
  for (const name of Object.keys(ATTACKS).filter((known) => known.includes(only))) {
    const figures = { calm: [], attack: [], ratio: [] }
    const work = []
    const answers = {}
    try {
      for (let round = 0; round < rounds; round += 1) {
        const calm = await saving(partMs)
        await attacker.call('begin', name)
        await pause(SETTLE_MS)
        const attack = await saving(partMs)
        for (const [answer, count] of Object.entries(await attacker.call('end')))
          answers[answer] = (answers[answer] ?? 0) + count
        await pause(SETTLE_MS)
        figures.calm.push(calm.p99)
        figures.attack.push(attack.p99)
        figures.ratio.push(attack.p99 / calm.p99)
        work.push({ calm, attack })
      }
      const [calm, attack, ratio] = [figures.calm, figures.attack, figures.ratio].map(median)
      const counted = Object.entries(answers).map(([answer, count]) => `${count} × ${answer}`)
      const between = (part, digits = 0) =>
        ['calm', 'attack']
          .map((side) => median(work.map((one) => one[side][part])).toFixed(digits))
          .join(' → ')
      console.log(
        `${name}: p99 ${calm.toFixed(1)} → ${attack.toFixed(1)} ms, ${ratio.toFixed(2)} × (${counted.join(', ')})`,
      )
      console.log(
        `  p50 ${between('p50', 1)} ms, node ${between('node')} %, database ${between('database')} % of a processor, event loop late by ${between('loop', 1)} ms`,
      )
      if (ratio >= MOST_RATIO)
        failures.push(`${name}: ${ratio.toFixed(2)} ×, the goal is less than ${MOST_RATIO} ×.`)
    } catch (error) {
      failures.push(`${name}: ${error.message}`)
      await attacker.call('end')
    }
  }
} finally {
  for (const end of ends.reverse()) await end()
}
for (const failure of failures) console.error(failure)
process.exit(failures.length > 0 ? 1 : 0)

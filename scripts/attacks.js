// `npm run soak -- attacks`: what one person's attack costs a second person's saves, on a server with its defaults and a
// PostgreSQL of its own. Calm, attack and control take turns; server, saves and attack are processes of their own. The control
// is no attack: processes that have nothing to do with the server take as much of the processors as the attack took more of
// for node, database and sender. What it costs the saves is the machine's size, not the server's doing.
// Fails where the saves' p99 beside an attack, in the median of rounds, is three times that of calm or more and is not due to
// the machine's size, and where one of them is refused. Options: --only=WORD --rounds=3 --seconds=6 --rate=30 --size=50 (connections of an attack)
import { setTimeout as pause } from 'node:timers/promises'
import { startChild } from '../bench/child.js'
import { openDatabases } from '../bench/database.js'
import { ATTACKS, FAR } from '../bench/load/attacks.js'
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
/** How much more an attack may cost than its control, where that alone costs too much. */
const MOST_TO_CONTROL = 1.25

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
  const burners = {}
  for (const [name, further] of Object.entries({ node: 0, database: 0, sender: FAR })) {
    burners[name] = await startChild('load/burner.js', { further })
    ends.push(burners[name].stop)
  }

  const spent = async () => {
    const { processorMs: node, loopP99: loop } = await server.call('spent')
    return {
      node,
      loop,
      database: await databases.processorMs(),
      sender: await attacker.call('processorMs'),
    }
  }
  /** Saves for so long: how long they took, and what node, database and sender did meanwhile, in hundredths of a processor. */
  const saving = async (ms) => {
    const before = await spent()
    const begunAt = performance.now()
    await office.call('begin', rate)
    await pause(ms)
    const took = await office.call('end')
    const after = await spent()
    const share = (name) => (100 * (after[name] - before[name])) / (performance.now() - begunAt)
    const shares = { node: share('node'), database: share('database'), sender: share('sender') }
    return { ...took, ...shares, loop: after.loop }
  }
  /** What an attack's processes took more than in calm, taken by others. */
  const savingBesideBurners = async (calm, attack) => {
    for (const [name, burner] of Object.entries(burners))
      await burner.call('begin', Math.max(0, attack[name] - calm[name]) / 100)
    await pause(SETTLE_MS)
    const control = await saving(partMs)
    for (const burner of Object.values(burners)) await burner.call('end')
    return control
  }
  console.log(`${rate} saves a second, ${size} connections of an attack, ${rounds} rounds, ${databases.name}`)
  await saving(3_000)
  for (const name of Object.keys(ATTACKS).filter((known) => known.includes(only))) {
    const figures = { calm: [], attack: [], control: [], ratio: [], ofControl: [], toControl: [] }
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
        const control = await savingBesideBurners(calm, attack)
        await pause(SETTLE_MS)
        for (const [side, { p99 }] of Object.entries({ calm, attack, control })) figures[side].push(p99)
        figures.ratio.push(attack.p99 / calm.p99)
        figures.ofControl.push(control.p99 / calm.p99)
        figures.toControl.push(attack.p99 / control.p99)
        work.push({ calm, attack, control })
      }
      const [calm, attack, ratio, ofControl, toControl] = [
        ...[figures.calm, figures.attack, figures.ratio],
        ...[figures.ofControl, figures.toControl],
      ].map(median)
      const counted = Object.entries(answers).map(([answer, count]) => `${count} × ${answer}`)
      const between = (part, digits = 0) =>
        ['calm', 'attack', 'control']
          .map((side) => median(work.map((one) => one[side][part])).toFixed(digits))
          .join(' → ')
      console.log(
        `${name}: p99 ${calm.toFixed(1)} → ${attack.toFixed(1)} ms, ${ratio.toFixed(2)} × (${counted.join(', ')}); ` +
          `control ${ofControl.toFixed(2)} ×, attack to control ${toControl.toFixed(2)} ×`,
      )
      console.log(
        `  p50 ${between('p50', 1)} ms, node ${between('node')} %, database ${between('database')} %, sender ${between('sender')} % of a processor, event loop late by ${between('loop', 1)} ms`,
      )
      if (ratio >= MOST_RATIO && toControl > MOST_TO_CONTROL)
        failures.push(
          `${name}: ${ratio.toFixed(2)} × of calm, the goal is less than ${MOST_RATIO} ×, and ${toControl.toFixed(2)} × of its control.`,
        )
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

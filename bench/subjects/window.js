// What the length of a list costs who looks at a hundred rows of it: the first page, the last one, one from the middle, and the delta after
// a change of a row in sight, over 1,000,000 rows, against the same over 10,000.
import { withChildren } from '../child.js'
import { openConnection } from '../load/connection.js'
import { alternate } from '../rounds.js'
import { openPool, prepareLongTable, TABLES } from '../tables.js'

const ROWS = { ours: 1_000_000, bare: 10_000 }
const SIZE = 100
const REQUESTS = 40

export const window = async ({ fresh, rounds, scale }) =>
  withChildren(async (start) => {
    const openSide = async (rows) => {
      const url = await fresh()
      await prepareLongTable(url, Math.ceil(rows * scale))
      const server = await start('servers/ours.js', { url })
      const connection = await openConnection(await server.call('port'))
      const get = async (query) => {
        const path = `/api/v1/records/project?sort=-budget&limit=${SIZE}&${query}`
        const { status, body } = await connection.send('GET', path)
        if (status !== 200) throw new Error(`${status}: ${body}`)
        return JSON.parse(body)
      }
      return { url, get, knex: openPool(url, 1), close: () => connection.close() }
    }
    const sides = { ours: await openSide(ROWS.ours), bare: await openSide(ROWS.bare) }

    const timedOnce = async (side, query) => {
      const begun = performance.now()
      const { data, reset } = await side.get(query)
      const spent = performance.now() - begun
      if (data.length === 0 || reset) throw new Error(`${query}: ${data.length} rows, ${reset}`)
      return spent
    }
    const pages = {
      'first page': () => 'window[after]=start',
      'last page': () => 'window[before]=end',
      'page from the middle': ({ middle }) => `window[after]=${middle}`,
      'delta of a change in sight': async ({ get, knex }, n) => {
        const { data, positions, cursor } = await get('window[after]=start')
        const { id } = data[n % data.length]
        await knex.raw(`update ${TABLES.ours} set notes = ? where id = ?`, [`Noted ${performance.now()}`, id])
        return `window[from]=start&window[to]=${positions.at(-1)}&cursor=${cursor}`
      },
    }
    /** Milliseconds of a request; what is done to know what to ask for is not counted. */
    const timed = (queryOf) => async (side) => {
      let spent = 0
      for (let n = 0; n < REQUESTS; n += 1) spent += await timedOnce(side, await queryOf(side, n))
      return spent / REQUESTS
    }
    const middleOf = async ({ knex }, rows) => {
      const { id, budget } = await knex(TABLES.ours)
        .orderBy(['budget', 'id'])
        .offset(Math.floor(rows / 2))
        .first('id', 'budget')
      return Buffer.from(JSON.stringify([String(budget), String(id)])).toString('base64url')
    }

    const measure = async (name, run) => ({
      name: `window of ${SIZE} over ${ROWS.ours.toLocaleString('en')} rows, to 10,000: ${name}`,
      unit: 'ms',
      digits: 2,
      ...(await alternate(rounds, { ours: () => run(sides.ours), bare: () => run(sides.bare) })),
      target: { atMost: 1.2 },
    })
    try {
      for (const [name, side] of Object.entries(sides)) side.middle = await middleOf(side, ROWS[name] * scale)
      const measured = []
      for (const [name, query] of Object.entries(pages)) measured.push(await measure(name, timed(query)))
      return measured
    } finally {
      for (const side of Object.values(sides)) {
        side.close()
        await side.knex.destroy()
      }
    }
  })

// Thousands of saves over a network that loses requests and answers, by pages that are killed in the middle: the real
// database counts how often each was written.

import { createMemoryStorage, createOffline, type Tabs } from 'noclobber/offline'
import { expect, test } from 'vitest'
import type { Clock } from '../../web/client/clock.ts'
import { waitFor } from '../support/wait-for.ts'
import { type Project, startLiveServer } from './live-server.ts'

const SAVES = Number(process.env.NOCLOBBER_REPLAYS ?? 5000)
const PEOPLE = 8
const SEED = Number(process.env.NOCLOBBER_SEED ?? Date.now() % 2 ** 31)

const server = await startLiveServer()

/** mulberry32: the same faults for the same seed, as far as the machine's own timing allows. */
function createRandom(seed: number) {
  let at = seed
  return () => {
    at = (at + 0x6d2b79f5) | 0
    let mixed = Math.imul(at ^ (at >>> 15), 1 | at)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Waits for retries shrink; the time-out of a request does too, so that slow answers count as lost ones. */
const hastyClock: Clock = {
  now: () => Date.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs / 20)
    return () => clearTimeout(timer)
  },
}

const everyoneDies: Tabs = {
  enter: () => () => {},
  alive: async () => new Set(),
  alone: (_task, work) => work(),
  tell: () => {},
  onTold: () => () => {},
}

test(`${SAVES} saves with lost answers and killed pages are written once each`, async () => {
  await server.sql(`create table written (name text);
    create function count_write() returns trigger language plpgsql as $$
      begin if new.name <> old.name then insert into written values (new.name); end if; return new; end $$;
    create trigger count_write after update on projects for each row execute function count_write()`)
  const faults = { lostRequests: 0, lostAnswers: 0, killed: 0 }

  async function play(person: number) {
    const random = createRandom(SEED + person)
    const storage = createMemoryStorage()
    const id = await server.createProject()
    const faulty: typeof fetch = async (input, init) => {
      const luck = init?.method === 'PATCH' ? random() : 1
      if (luck < 0.15) {
        faults.lostRequests += 1
        throw new TypeError('the request was lost')
      }
      const answer = await fetch(input, init)
      await answer.clone().arrayBuffer()
      if (luck < 0.45) {
        faults.lostAnswers += 1
        throw new TypeError('the answer was lost')
      }
      return answer
    }
    function openPage() {
      const offline = createOffline({ storage, tabs: everyoneDies })
      const client = server.openTab(`p${person}`, {
        ...{ offline, userId: () => `p${person}`, fetch: faulty, clock: hastyClock },
        transports: ['websocket'],
      })
      const editor = client.editor<Project>('project', id)
      return { offline, client, editor, close: editor.subscribe(() => {}) }
    }

    let page = openPage()
    for (let save = 0; save < SAVES / PEOPLE; save++) {
      await waitFor(() => page.editor.get().record, { what: 'the record', deadlineMs: 20_000 })
      const name = `${person}-${save}`
      page.editor.change('name', name)
      void page.editor.save()
      await waitFor(
        () => {
          const { status, record } = page.editor.get()
          if (status !== 'clean' && random() < 0.02) {
            faults.killed += 1
            page.client.close()
            page = openPage()
          }
          if (status === 'offline') page.offline.retry()
          return status === 'clean' && record?.fields.name === name
        },
        { what: `${name}, in the world of seed ${SEED}`, deadlineMs: 20_000 },
      )
    }
    page.client.close()
  }
  await Promise.all(Array.from({ length: PEOPLE }, (_, person) => play(person)))

  const { rows } = await server.sql('select name, count(*)::int as times from written group by name')
  expect(rows.filter(({ times }: { times: number }) => times !== 1)).toEqual([])
  expect(rows).toHaveLength(SAVES)
  expect(faults.lostAnswers).toBeGreaterThan(SAVES / 10)
  expect(faults.killed).toBeGreaterThan(SAVES / 100)
}, 300_000)

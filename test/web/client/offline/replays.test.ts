// Saves over a network that loses requests and answers, by pages that are killed in the middle: the real database counts how
// often each was written. The full size is `npm run soak -- replays`.

import { createMemoryStorage, createOffline, type Tabs } from 'noclobber/offline'
import { expect, onTestFinished, test } from 'vitest'
import { createFastClock } from '../../../support/clocks.ts'
import { randomOf } from '../../../support/random.ts'
import { byRun } from '../../../support/short-run.ts'
import { waitFor } from '../../../support/wait-for.ts'
import { type Project, startLiveServer } from '../live-server.ts'

const SAVES = Number(process.env.NOCLOBBER_REPLAYS ?? byRun({ short: 120, full: 400 }))
const PEOPLE = 8
const SEED = Number(process.env.NOCLOBBER_SEED ?? Date.now() % 2 ** 31)

const server = await startLiveServer()
await server.sql(`create table written (project_id integer, name text);
  create function count_write() returns trigger language plpgsql as $$
    begin if new.name <> old.name then insert into written values (new.id, new.name); end if; return new; end $$;
  create trigger count_write after update on projects for each row execute function count_write()`)

/** What waits for time, as retries do, waits a twentieth of it. */
const hastyClock = createFastClock(20)

/** Pages that count as dead at once: what they were writing comes after the next page has looked. */
function mortalPages(): Tabs {
  const listeners = new Set<() => void>()
  return {
    enter: () => () => {},
    alive: async () => new Set(),
    alone: (_task, work) => work(),
    notify: () => {
      for (const listener of listeners) listener()
    },
    onChange(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}

test(`${SAVES} saves with lost answers and killed pages are written once each`, async () => {
  const ids = await Promise.all(Array.from({ length: PEOPLE }, () => server.createProject()))
  const faults = { lostRequests: 0, lostAnswers: 0, killed: 0 }

  async function play(id: string, person: number) {
    const random = randomOf(SEED + person)
    const storage = createMemoryStorage()
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
    const tabs = mortalPages()
    function openPage() {
      const offline = createOffline({ storage, tabs })
      const client = server.openTab(`p${person}`, {
        ...{ offline, userId: () => `p${person}`, fetch: faulty, clock: hastyClock },
        transports: ['websocket'],
        timeoutMs: 60_000,
      })
      const editor = client.editor<Project>('project', id)
      return { offline, client, editor, close: editor.subscribe(() => {}) }
    }

    /** How it all stands, for anyone who has to find out why a save does not come. */
    async function standing(name: string) {
      const [row] = (await server.sql(`select name, version from projects where id = ${id}`)).rows
      const kept = await storage.all(`p${person}`)
      const { entries, isSending } = page.offline.unsent.get()
      const all = { row, editor: page.editor.get(), kept, entries, isSending }
      return `${name}, in the world of seed ${SEED}: ${JSON.stringify(all, null, 1)}`
    }

    let page = openPage()
    onTestFinished(() => page.client.close())
    for (let save = 0; save < SAVES / PEOPLE; save++) {
      await waitFor(() => page.editor.get().record, { what: 'the record', deadlineMs: 60_000 })
      const name = `${person}-${save}`
      page.editor.change('name', name)
      void page.editor.save()
      await waitFor(
        () => {
          const { status, record } = page.editor.get()
          if (status !== 'clean' && random() < 0.04) {
            faults.killed += 1
            page.client.close()
            page = openPage()
          }
          if (status === 'offline') page.offline.retry()
          return status === 'clean' && record?.fields.name === name
        },
        { what: () => standing(name), deadlineMs: 60_000 },
      )
    }
  }
  await Promise.all(ids.map(play))

  const { rows } = await server.sql(
    `select name, count(*)::int as times from written where project_id in (${ids}) group by project_id, name`,
  )
  expect(rows.filter(({ times }: { times: number }) => times !== 1)).toEqual([])
  expect(rows).toHaveLength(SAVES)
  expect(faults.lostAnswers).toBeGreaterThan(SAVES / 10)
  expect(faults.killed).toBeGreaterThan(SAVES / 100)
}, 600_000)

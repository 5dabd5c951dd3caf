// Who is at a record is shown to the person that asked, and to nobody who comes after.

import { expect, test } from 'vitest'
import type { PresenceAnswer } from '../../../../server/protocol/index.ts'
import { createWritable } from '../../../../web/client/base/store.ts'
import { createPresence } from '../../../../web/client/presence/presence.ts'
import { createManualClock } from '../../../support/clocks.ts'

const address = { type: 'project', id: '1' }

test('an answer that comes after the person has changed is dropped', async () => {
  const clock = createManualClock()
  const answers: ((answer: PresenceAnswer) => void)[] = []
  const presence = createPresence({
    clock,
    createWritable,
    page: { isVisible: () => true, isOnline: () => true, onChange: () => () => {} },
    send: () => new Promise((resolve) => void answers.push(resolve)),
    sendTakeOver: async () => null,
  })
  const give = async (name: string) => {
    answers.shift()?.({
      ok: true,
      people: [{ user: { id: name, name }, state: 'viewing', field: null, tabs: 1 }],
    })
    await Promise.resolve()
    await Promise.resolve()
  }
  const names = () =>
    presence
      .people(address)
      .get()
      .map(({ user }) => user.name)
  presence.announce(address, { state: 'viewing' })
  clock.forward(1_000)
  await give('Bob')
  expect(names()).toEqual(['Bob'])
  presence.joined()
  clock.forward(1_000)
  presence.leave()
  await give('Carol')
  expect(names()).toEqual([])
  presence.close()
})

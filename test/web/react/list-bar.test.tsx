// A list that could not be loaded says so where its rows would be.
import { render, screen } from '@testing-library/react'
import { createRecordClient } from 'noclobber/client'
import { ListBar, LiveProvider } from 'noclobber/react'
import { expect, test } from 'vitest'

const client = createRecordClient({ transports: [] })

test.each([
  ['unreachable', 'Not loaded: no answer from the server.'],
  ['signed_out', 'Not loaded: you are signed out.'],
  ['refused', 'Not loaded: the server refuses this list.'],
] as const)('an empty list that failed (%s) says why, with a button', (trouble, sentence) => {
  const list = { rows: [], status: 'failed', trouble, isWhole: true, waiting: null } as const
  const { unmount } = render(
    <LiveProvider client={client}>
      <ListBar list={{ ...list, reload: () => {}, keepEditing: () => {} }} />
    </LiveProvider>,
  )
  expect(screen.getByRole('status').textContent).toBe(sentence)
  expect(screen.getByRole('button', { name: 'Reload now' })).toBeDefined()
  unmount()
})

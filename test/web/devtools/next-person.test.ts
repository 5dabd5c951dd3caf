// What the panel has noted of one person isn't shown to the next, nor in what is exported then.
import { expect, onTestFinished, test, vi } from 'vitest'
import { createDevtools } from '../../../web/devtools/devtools.ts'
import { createSmallServer } from '../small-server.ts'

test('the journal begins anew with the next person', async () => {
  let who = 'alice'
  const tools = createDevtools((options) => createSmallServer(options).client, { userId: () => who })
  const editor = tools.client.editor<Record<string, unknown>>('project', '1')
  onTestFinished(editor.subscribe(() => {}))
  await vi.waitFor(() => expect(editor.get().record?.version).toBe(1))
  editor.change('name', 'words of alice')
  expect(tools.export()).toContain('words of alice')
  who = 'bob'
  tools.client.reconnect()
  expect(tools.export()).not.toContain('words of alice')
  await vi.waitFor(() => expect(editor.get().record?.version).toBe(1))
  editor.change('name', 'words of bob')
  expect(tools.export()).toContain('words of bob')
})

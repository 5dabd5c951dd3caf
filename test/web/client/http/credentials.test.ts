// Whether cookies go along to another origin follows from how the page signs in.
import { createRecordClient, type RecordClientOptions } from 'noclobber/client'
import { expect, test } from 'vitest'

const sentWith = async (options: RecordClientOptions) => {
  const sent: unknown[] = []
  const client = createRecordClient({
    ...options,
    url: 'https://api.example.com/api/v1',
    fetch: async (_input, init) => {
      sent.push(init?.credentials)
      return new Response('{}', { status: 404 })
    },
  })
  await client.read('project', '1')
  client.close()
  return sent
}

test.each<[string, RecordClientOptions, string]>([
  ['by cookie', {}, 'include'],
  ['by token', { token: () => 'secret' }, 'same-origin'],
  ['by a token that is not there yet', { token: () => null }, 'same-origin'],
  ['by both, said so', { token: () => 'secret', credentials: 'include' }, 'include'],
])('%s', async (_how, options, credentials) => {
  expect(await sentWith(options)).toEqual([credentials])
})

// The records of one type as a test of a page needs them, beside the page: read by Alice, saved by Bob.
import { expect } from 'vitest'
import type { TestApp } from './app.ts'

/** `app` is asked for with each call: it may be started later. */
export const recordsOf = (app: () => TestApp, type: string) => {
  const read = async (id: string) => (await app().call('GET', `/records/${type}/${id}`)).body.data
  return {
    read,
    fieldsOf: async (id: string) => (await read(id)).fields,
    /** A guarded save of the version that is there. */
    saveAsBob: async (id: string, changes: object): Promise<void> => {
      const { version } = await read(id)
      const body = { client_version: version, changes }
      const { status } = await app().call('PATCH', `/records/${type}/${id}`, { as: 'bob', body })
      expect(status).toBe(200)
    },
  }
}

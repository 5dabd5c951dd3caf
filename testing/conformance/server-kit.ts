// What every server of the protocol must do, asked over HTTP at a base URL by two people: whatever program answers there.
import { randomUUID } from 'node:crypto'
import { createKit, type Kit } from './check.ts'
import { createServerCalls, type ServerKitOptions } from './server-calls.ts'
import { SERVER_CHECKS } from './server-checks.ts'

/**
 * The protocol's rules for one record type, at any base URL: versions, stale saves, replays, the change feed, lists, deletion, and two
 * people who save at the same time while an oracle keeps account of their answers.
 *
 * @example
 * const alice = { authorization: 'Bearer alice' }, bob = { authorization: 'Bearer bob' }
 * const kit = serverKit({ url, people: [alice, bob], type: 'project', fields: (name) => ({ name }), field: 'name' })
 * for (const { name, run } of kit.checks) test(name, run)
 */
export function serverKit(options: ServerKitOptions): Kit {
  const within = (check: (typeof SERVER_CHECKS)[string]) => () =>
    check(createServerCalls(options, `kit ${randomUUID().slice(0, 8)}`))
  return createKit(
    Object.fromEntries(Object.entries(SERVER_CHECKS).map(([name, check]) => [name, within(check)])),
  )
}

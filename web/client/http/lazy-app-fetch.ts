// `client.fetch`, whose code is loaded with its first call. What was asked for by a person who has left meanwhile is not sent.

import { lazyModule } from '../base/lazy-module.ts'
import type { AppFetchOptions } from './app-fetch.ts'
import type { AppFetch } from './queued-request.ts'

const appFetchCode = lazyModule(() => import('./app-fetch.ts'))

export function createLazyAppFetch(options: AppFetchOptions): AppFetch {
  const { person } = options.parts
  return async (input, init) => {
    person.check()
    const epoch = person.epoch()
    const { createAppFetch } = appFetchCode.now() ?? (await appFetchCode.load())
    person.check()
    if (epoch !== person.epoch()) return new Response(null, { status: 401 })
    return createAppFetch(options)(input, init)
  }
}

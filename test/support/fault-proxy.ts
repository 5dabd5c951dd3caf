// The fault proxy of noclobber/testing, ended with the test file.
import { type FaultProxy, startFaultProxy as start } from '../../testing/app/fault-proxy.ts'
import { atEnd } from './at-end.ts'

export type { Fault, FaultProxy } from '../../testing/app/fault-proxy.ts'

/** Stands before `127.0.0.1:port`. */
export async function startFaultProxy(port: number): Promise<FaultProxy> {
  const proxy = await start(port)
  atEnd(proxy.stop)
  return proxy
}

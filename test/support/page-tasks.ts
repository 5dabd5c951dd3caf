// How long the tasks of a page's main thread are, in time of the processor: what other programs take of it doesn't count.
import type { Browser, Page } from 'playwright-core'

/** What Chromium writes for each thing that a thread does; `tdur`: the thread's own time, in microseconds. */
interface TraceEvent {
  name: string
  pid: number
  tid: number
  tdur?: number
  args?: { name?: string }
}

/** Milliseconds of the longest task while `act` runs. No other page of the browser may be at work. */
export async function longestTaskMs(browser: Browser, page: Page, act: () => Promise<void>): Promise<number> {
  await browser.startTracing(page, { categories: ['toplevel'] })
  await act()
  const trace: { traceEvents: TraceEvent[] } = JSON.parse(String(await browser.stopTracing()))
  const threadOf = ({ pid, tid }: TraceEvent) => `${pid} ${tid}`
  const mainThreads = new Set(
    trace.traceEvents
      .filter(({ name, args }) => name === 'thread_name' && args?.name === 'CrRendererMain')
      .map(threadOf),
  )
  const tasks = trace.traceEvents.filter(
    (event) => event.name.endsWith('RunTask') && mainThreads.has(threadOf(event)),
  )
  if (tasks.length === 0) throw new Error('The trace has no task of a page.')
  return Math.max(...tasks.map(({ tdur = 0 }) => tdur)) / 1_000
}

// Spans for OpenTelemetry, where the app has its API; without it, or without an SDK behind it, nothing happens.
// Invariant: a span never changes what it spans: the same value comes back, the same error is thrown.
import type { IncomingHttpHeaders } from 'node:http'
import { createRequire } from 'node:module'

/** What is said of a span. Never ids of people or records, nor anything that was typed. */
export type SpanAttributes = Record<string, string | number | boolean>

/** An optional peer, imported once and at once: an SDK that is registered later still gets the spans. */
const load = (): typeof import('@opentelemetry/api') | null => {
  try {
    return createRequire(import.meta.url)('@opentelemetry/api')
  } catch {
    return null
  }
}

const api = load()
const tracer = api?.trace.getTracer('noclobber')
/** What the API has as long as no SDK is registered. */
const nobody = api && new api.ProxyTracerProvider().getDelegate()

/** Whether an SDK takes spans; it may be registered at any time. Asked before each of them: a span for nobody costs a save 3 µs. */
export const isTraced = (): boolean => {
  if (!api) return false
  const provider = api.trace.getTracerProvider()
  return !(provider instanceof api.ProxyTracerProvider) || provider.getDelegate() !== nobody
}

/**
 * Does the work inside a span of this name. `annotate` adds what is known only afterwards; a span whose outcome isn't worth
 * it is dropped.
 */
export const inSpan = <T>(
  name: string,
  facts: SpanAttributes,
  work: (annotate: (more: SpanAttributes) => void) => Promise<T> | T,
  isWorth: (outcome: T) => boolean = () => true,
): Promise<T> | T => {
  if (!api || !tracer || !isTraced()) return work(() => {})
  return tracer.startActiveSpan(`noclobber.${name}`, { attributes: facts }, async (span) => {
    try {
      const outcome = await work((more) => span.setAttributes(more))
      // What never ends is never exported.
      if (isWorth(outcome)) span.end()
      return outcome
    } catch (error) {
      span.recordException(error instanceof Error ? error : String(error))
      span.setStatus({ code: api.SpanStatusCode.ERROR })
      span.end()
      throw error
    }
  })
}

/** Does the work in the trace that the request names (W3C), unless the app's own instrumentation has begun a span for it. */
export const inRequest = <T>({ headers }: { headers: IncomingHttpHeaders }, work: () => T): T => {
  // A propagator that is none names no fields.
  if (!api || api.propagation.fields().length === 0) return work()
  const here = api.context.active()
  if (api.trace.getSpan(here)) return work()
  return api.context.with(api.propagation.extract(here, headers), work)
}

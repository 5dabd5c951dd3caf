// Asynchronous work where somebody calls it who looks at no promise: an event emitter.
// Invariant: no rejection is left unhandled, for it would end the process.
import type { Middleware } from '../base/request.ts'

/** What it rejects with, or throws, goes to the router's failure answer. */
export const catching =
  (work: Middleware): Middleware =>
  async (request, response, next) => {
    try {
      await work(request, response, next)
    } catch (error) {
      next(error)
    }
  }

// Asynchronous work where somebody calls it who looks at no promise: Express 4, an event emitter.
// Invariant: no rejection is left unhandled, for it would end the process.
import type { RequestHandler } from 'express'

/** Work as Express 4 wants it, too: what it rejects with, or throws, goes to the router's failure answer. */
export const catching =
  (work: (...asked: Parameters<RequestHandler>) => unknown): RequestHandler =>
  async (request, response, next) => {
    try {
      await work(request, response, next)
    } catch (error) {
      next(error)
    }
  }

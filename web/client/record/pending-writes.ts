// Who waits for the answer to which write. Several may wait for one: a second click, a save that goes out behind a retry.

export function createAwaitedAnswers() {
  const waiting = new Map<string, ((outcome: never) => void)[]>()

  return {
    /** Resolves with the outcome of that write, or with the last one when none is on its way any more. */
    of: <O>(mutationId: string): Promise<O> =>
      new Promise<O>((resolve) => {
        waiting.set(mutationId, [...(waiting.get(mutationId) ?? []), resolve])
      }),
    settle(mutationId: string, outcome: unknown) {
      for (const resolve of waiting.get(mutationId) ?? []) resolve(outcome as never)
      waiting.delete(mutationId)
    },
    settleAll(outcome: unknown) {
      for (const mutationId of [...waiting.keys()]) this.settle(mutationId, outcome)
    },
  }
}

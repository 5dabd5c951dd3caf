// Of attacks.js, what the tests use.
export declare const ATTACKS: Record<string, unknown>
export declare const beginAttack: (
  name: string,
  options: {
    port: number
    authorization: string
    ids: number[]
    size: number
    counts?: Record<string, number>
  },
) => () => Promise<Record<string, number>>

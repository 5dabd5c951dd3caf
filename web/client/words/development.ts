// Warnings for developers of the app, on the browser's console. Invariant: what is built for production has none of their words.

import type { Warning } from './warnings.ts'

/** Bundlers put a text in the place of `process.env.NODE_ENV`. */
declare const process: { env: { NODE_ENV?: string } }

/** Says it once, in development. */
export function warn(warning: Warning): void {
  try {
    if (process.env.NODE_ENV === 'production' || process.env.NODE_ENV === 'test') return
  } catch {
    // A page without a bundler.
    return
  }
  void import('./warnings.ts').then(({ say }) => say(warning)).catch(() => {})
}

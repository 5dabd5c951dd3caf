import type { Rolldown } from 'vite'

export const PAGES: Record<string, { budget: number; code: string }>
export function bundlePage(code: string): Promise<Record<'first' | 'later', Rolldown.OutputChunk[]>>
export function gzipped(chunks: { code: string }[]): number

// A list before its first answer.

import type { ListState } from './state.ts'

const NONE = new Map<string, never>()

export const initialListState: ListState = {
  status: 'loading',
  rows: [],
  byId: NONE,
  staged: NONE,
  imported: null,
  isHeld: false,
  isOffered: false,
  isPutAway: false,
  isWhole: true,
  trouble: null,
  highlighted: NONE,
  misplaced: new Set(),
}

// What is shown of changes since a person's last look.

/** How many records have changed. */
export interface ChangedCounted {
  /** `null`: unknown. The log reaches back no further, there are too many to be authorized, or there is no such type. */
  count: number | null
  /** There are more than `count`. */
  isMore: boolean
}

/** What has changed since a person's last look. */
export interface ChangedSince extends ChangedCounted {
  /** `loading` and `failed`: nothing was counted yet. */
  status: 'loading' | 'ready' | 'failed'
  /** What is shown may be out of date: the last request was not answered. */
  isStale: boolean
  /** The types' own counts, of which `count` is the sum. */
  byType: Readonly<Record<string, ChangedCounted>>
}

/** Nothing was counted yet. */
export const NOT_COUNTED: ChangedSince = {
  status: 'loading',
  count: null,
  isMore: false,
  isStale: false,
  byType: {},
}

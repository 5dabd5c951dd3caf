// Which live list: what is asked of the server, what makes two lists the same one, and what makes them two orders of it.

import type { Scope } from '../../../server/protocol/index.ts'
import type { Where } from '../http/list-page.ts'
import type { ListWanted } from './fetch.ts'

/** Longer lists are cut. */
export const MOST_ROWS = 20_000

/** Which list, and how it is shown. */
export interface LiveListQuery {
  /** Which records: by field a value, `null` for none, or comparisons; with `or` and `not`. The text `'null'` for a field is none, too. */
  where?: Where
  /** Words that stand in the type's search fields. */
  search?: string
  /** A field, `-` before it for descending. Default `id`. */
  sort?: string
  /** One parent's records alone, by a declared parent column: `{ project_id: '1' }`. Only these are fetched and watched. */
  scope?: Scope
  /** Longer lists are cut. Default 20,000. */
  most?: number
  /**
   * A long list, of which only a part is here: pages of `size` rows (10 to 250) are loaded as one comes near an end, at most four of
   * them are kept. The order is the server's; `most` and `locale` have no effect.
   */
  window?: { size: number }
  /**
   * Other people's changes cause at most one refresh in so many milliseconds; the first one after a quiet time is shown at once.
   * Default 3,000.
   */
  paceMs?: number
  /** The language whose order text has. Default: the browser's. */
  locale?: string
}

const filtersOf = ({ where, scope }: LiveListQuery): Where => ({ ...where, ...scope })

/** What the server is asked for. */
export const wantedOf = ({ search, sort, ...query }: LiveListQuery): ListWanted => ({
  ...(query.where || query.scope ? { where: filtersOf(query) } : {}),
  ...(search?.trim() ? { search } : {}),
  ...(sort ? { sort } : {}),
})

const entries = (values: object = {}) => Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1))

/** Lists of the same records have the same. */
export const recordsKey = (type: string, { search, most, window, ...query }: LiveListQuery): string =>
  JSON.stringify([
    ...[type, entries(filtersOf(query)), search?.trim() ?? '', entries(query.scope), most ?? 0],
    ...(window ? [window.size] : []),
  ])

export const orderKey = ({ sort, locale, paceMs }: LiveListQuery): string =>
  JSON.stringify([sort ?? 'id', locale ?? '', paceMs ?? 0])

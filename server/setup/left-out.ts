// What init proposes nothing for, as lines for people: tables that it passed over, and columns that it can't judge. Invariant: no table
// is passed over without a word.
import { groupBy } from '../base/groups.ts'
import { type TableProposal, whyLeftOut } from './look-at-tables.ts'

/** Of the tools that keep migrations, which nobody edits. */
const OF_TOOLS = /migration|^(_prisma|__drizzle|mikro_orm|typeorm_metadata|SequelizeMeta|kysely)/i

/** The app's own, not a tool's. */
export const isOfApp = ({ name }: { name: string }): boolean => !OF_TOOLS.test(name)

/** Tables that aren't proposed, and why; `most`: how many are proposed at once. */
export function leftOutLines(all: TableProposal[], tables: TableProposal[], most: number): string[] {
  const left = all.filter((table) => !tables.includes(table) && !table.isTracked && isOfApp(table))
  if (left.length === 0) return []
  const reasons = groupBy(left, (table) => whyLeftOut(table) ?? `more than ${most} at once`)
  const named = [...reasons].map(([why, those]) => `${those.map(({ name }) => name).join(', ')} (${why})`)
  const possible = left.filter(({ whyNot }) => whyNot === null)
  const likely = possible.find((table) => whyLeftOut(table) !== 'by its name') ?? possible[0]
  return [
    `Left out: ${named.join('; ')}`,
    ...(likely
      ? [`  If people edit some of them, name those: npx noclobber init --tables ${likely.name},…`]
      : []),
  ]
}

/** What a change of these columns alone would do, for people to decide. */
export const counterLines = (tables: TableProposal[]): string[] =>
  tables.flatMap(({ name, counters }) =>
    counters.length === 0
      ? []
      : [
          `${name}: if your code counts ${counters.join(', ')} up, each time makes a version, and open forms are stale: take ${counters.length > 1 ? 'them' : 'it'} out of the fields, and track with { ignore: [${counters.map((one) => `'${one}'`).join(', ')}] }`,
        ],
  )

// Rounds by turns: a noisy machine is noisy for both sides alike, so ratios hold where absolute figures don't.

/** @param {number[]} values */
export const median = (values) => percentile(values, 0.5)

/** @param {number[]} values @param {number} share 0.5 for the median. */
export const percentile = (values, share) => {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

/**
 * One warm-up of each, then measured rounds, the order turned round each time.
 *
 * @param {number} rounds
 * @param {Record<Name, () => Promise<number>>} sides What each measures in one round.
 * @returns {Promise<Record<Name, number[]>>}
 * @template {string} Name
 */
export const byTurns = async (rounds, sides) => {
  const names = Object.keys(sides)
  const measured = Object.fromEntries(names.map((name) => [name, []]))
  for (const name of names) await sides[name]()
  for (let round = 0; round < rounds; round += 1)
    for (const name of round % 2 === 0 ? names : names.toReversed()) measured[name].push(await sides[name]())
  return measured
}

/**
 * The same with two sides.
 *
 * @param {number} rounds
 * @param {{ ours: () => Promise<number>, bare: () => Promise<number> }} sides What each measures in one round.
 * @returns {Promise<{ ours: number[], bare: number[] }>}
 */
export const alternate = (rounds, { ours, bare }) => byTurns(rounds, { bare, ours })

/**
 * The ratio of each round's two figures, and what lies between the smallest and the largest.
 *
 * @param {{ ours: number[], bare: number[] }} measured
 */
export const ratioOf = ({ ours, bare }) => {
  const ratios = ours.map((figure, round) => figure / bare[round])
  return { middle: median(ratios), least: Math.min(...ratios), most: Math.max(...ratios) }
}

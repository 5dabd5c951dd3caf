// Rounds by turns: a noisy machine is noisy for both sides alike, so ratios hold where absolute figures don't.

/** @param {number[]} values */
export const median = (values) => percentile(values, 0.5)

/** @param {number[]} values @param {number} share 0.5 for the median. */
export const percentile = (values, share) => {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

/**
 * One warm-up of each, then measured rounds, who goes first alternating.
 *
 * @param {number} rounds
 * @param {{ ours: () => Promise<number>, bare: () => Promise<number> }} sides What each measures in one round.
 * @returns {Promise<{ ours: number[], bare: number[] }>}
 */
export const alternate = async (rounds, sides) => {
  await sides.bare()
  await sides.ours()
  const measured = { ours: [], bare: [] }
  for (let round = 0; round < rounds; round += 1) {
    for (const side of round % 2 === 0 ? ['bare', 'ours'] : ['ours', 'bare'])
      measured[side].push(await sides[side]())
  }
  return measured
}

/**
 * The ratio of each round's two figures, and what lies between the smallest and the largest.
 *
 * @param {{ ours: number[], bare: number[] }} measured
 */
export const ratioOf = ({ ours, bare }) => {
  const ratios = ours.map((figure, round) => figure / bare[round])
  return { middle: median(ratios), least: Math.min(...ratios), most: Math.max(...ratios) }
}

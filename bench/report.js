// What was measured, as a table: the ratio and its spread first, absolute figures as a hint of this machine alone.
import { median, ratioOf } from './rounds.js'

/**
 * @typedef {object} Measurement
 * @property {string} name
 * @property {string} unit Of the absolute figures.
 * @property {number[]} ours
 * @property {number[]} [bare] What it is held against; without it only the figure is shown.
 * @property {{ atLeast?: number, atMost?: number }} [target] For the ratio; without `bare` for the figure itself.
 * @property {number} [digits] Of the absolute figures. Default 0.
 */

const HEAD = ['benchmark', 'ratio', 'spread', 'target', '', 'ours', 'bare', 'unit']

/** @param {Measurement} measurement */
export const isMissed = ({ ours, bare, target }) => {
  if (!target) return false
  const middle = bare ? ratioOf({ ours, bare }).middle : median(ours)
  return middle < (target.atLeast ?? 0) || middle > (target.atMost ?? Number.POSITIVE_INFINITY)
}

const targetText = ({ atLeast, atMost } = {}, sign) => {
  if (atLeast !== undefined) return `≥ ${atLeast}${sign}`
  return atMost === undefined ? '' : `≤ ${atMost}${sign}`
}

const verdictOf = (measurement) => {
  if (!measurement.target) return ''
  return isMissed(measurement) ? 'missed' : 'met'
}

/** @param {Measurement} measurement */
const lineOf = (measurement) => {
  const { name, unit, ours, bare, target, digits = 0 } = measurement
  const figure = (values) =>
    median(values).toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })
  const verdict = verdictOf(measurement)
  if (!bare) return [name, '', '', targetText(target, ''), verdict, figure(ours), '', unit]
  const { middle, least, most } = ratioOf({ ours, bare })
  const spread = `${least.toFixed(2)}–${most.toFixed(2)}`
  return [
    name,
    `${middle.toFixed(2)}×`,
    spread,
    targetText(target, '×'),
    verdict,
    figure(ours),
    figure(bare),
    unit,
  ]
}

/** @param {Measurement[]} measurements */
export const tableOf = (measurements) => {
  const lines = [HEAD, ...measurements.map(lineOf)]
  const widths = HEAD.map((_, column) => Math.max(...lines.map((line) => line[column].length)))
  const isText = (column) => [0, 3, 4, 7].includes(column)
  const shown = lines.map((line) =>
    line
      .map((cell, column) => (isText(column) ? cell.padEnd(widths[column]) : cell.padStart(widths[column])))
      .join('  ')
      .trimEnd(),
  )
  const [head, ...rest] = shown
  return [head, '─'.repeat(Math.max(...shown.map((line) => line.length))), ...rest].join('\n')
}

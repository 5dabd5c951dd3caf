// The edges, dots and marks that carry a meaning stand out from whatever they lie on by 3:1 at least (WCAG 2.2, 1.4.11), in light and
// dark: computed from the tokens of both style sheets, so that no state has to be on the screen.
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'

type Tokens = Record<string, [light: string, dark: string]>

const tokensOf = (path: string): Tokens => {
  const css = readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
  const found = css.matchAll(/(--[\w-]+):\s*light-dark\((#[0-9a-f]{6}),\s*(#[0-9a-f]{6})\)/g)
  return Object.fromEntries([...found].map(([, name, light, dark]) => [name, [light, dark]])) as Tokens
}

const parts = tokensOf('web/react/styles.css')
const demo = tokensOf('web/demo/styles/tokens.css')

function light(colour: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const value = Number.parseInt(colour.slice(at, at + 2), 16) / 255
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}

function contrast(a: string, b: string): number {
  const [high, low] = [light(a), light(b)].sort((one, other) => other - one) as [number, number]
  return (high + 0.05) / (low + 0.05)
}

/** What is too weak of these names on these grounds. */
function weak(tokens: Tokens, names: readonly string[], grounds: readonly string[], of = tokens): string[] {
  return names.flatMap((name) =>
    grounds.flatMap((ground) =>
      (['light', 'dark'] as const).flatMap((scheme, at) => {
        const found = contrast(tokens[name]?.[at] ?? '#000000', of[ground]?.[at] ?? '#000000')
        return found < 3 ? [`${name} on ${ground}, ${scheme}: ${found.toFixed(2)}`] : []
      }),
    ),
  )
}

/** All that ends or is called so: a token that comes later is measured too. */
const named = (tokens: Tokens, pattern: RegExp) => Object.keys(tokens).filter((name) => pattern.test(name))

const MARKS = /-edge$|-control-line$|-live$|-waiting$|-offline$|-person-\d$|-focus$|-primary$/

describe('the parts', () => {
  const marks = named(parts, MARKS)

  test('edges, dots, colours of people and the focus on the surface and under a pointer', () => {
    expect(marks.length).toBeGreaterThanOrEqual(16)
    expect(weak(parts, marks, ['--nc-surface'])).toEqual([])
    expect(
      weak(
        parts,
        marks.filter((name) => name !== '--nc-primary'),
        ['--nc-hover'],
      ),
    ).toEqual([])
  })

  test('each tone’s edge and the focus on the tone', () => {
    for (const tone of ['info', 'warning', 'refusal'])
      expect(weak(parts, [`--nc-${tone}-edge`, '--nc-focus'], [`--nc-${tone}-bg`])).toEqual([])
  })

  test('in the demo too, on each of its grounds', () => {
    expect(weak(parts, marks, ['--page', '--surface', '--sunken', '--hover'], demo)).toEqual([])
  })
})

describe('the demo', () => {
  test('edges of inputs, the focus, and dots on each ground', () => {
    const marks = named(demo, /^--(control-line|accent|accent-fill|refusal|planned|active|on-hold|done)$/)
    expect(marks).toHaveLength(8)
    expect(weak(demo, marks, ['--page', '--surface', '--sunken', '--hover'])).toEqual([])
    expect(
      weak(
        demo,
        marks.filter((name) => name !== '--accent-fill'),
        ['--accent-tint'],
      ),
    ).toEqual([])
  })

  test('what is measured here is really there', () => {
    expect(weak({ '--a': ['#878e9b', '#878e9b'] }, ['--a'], ['--hover'], demo)).toHaveLength(1)
  })
})

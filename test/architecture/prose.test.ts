// The Markdown as far as a program can read it: short lines, links that lead somewhere, paths and figures of the code.
import { existsSync } from 'node:fs'
import { join, posix } from 'node:path'
import { describe, expect, test } from 'vitest'
import { DEFAULT_LIMITS } from '../../server/base/options.ts'
import { projectFiles, root, textOf } from './sources.ts'

const MAX_COLUMNS = 140

const pages = (await projectFiles()).filter((path) => path.endsWith('.md'))

/** Its lines, with an empty one in place of each line of a code block. */
const linesOf = (page: string): string[] => {
  let isCode = false
  return textOf(page)
    .split('\n')
    .map((line) => {
      const isFence = /^\s*```/.test(line)
      if (isFence) isCode = !isCode
      return isFence || isCode ? '' : line
    })
}

/** Where links within a page may lead, as GitHub names it. */
const anchorsOf = (page: string): string[] =>
  linesOf(page)
    .filter((line) => /^#+ /.test(line))
    .map((line) =>
      line
        .replace(/^#+ /, '')
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    )

const at = (page: string, what: string) => `${page}: ${what}`

describe('the pages', () => {
  test(`have lines of prose of at most ${MAX_COLUMNS} characters`, () => {
    const isLong = (line: string) => line.length > MAX_COLUMNS && !/^\s*\|/.test(line)
    expect(
      pages.flatMap((page) =>
        linesOf(page)
          .filter(isLong)
          .map((line) => at(page, line)),
      ),
    ).toEqual([])
  })

  test('link to files and headings that are there', () => {
    const isBroken = (page: string, target: string) => {
      const [path = '', anchor] = target.split('#')
      const file = path === '' ? page : posix.join(posix.dirname(page), path)
      if (!existsSync(join(root, file))) return true
      return anchor !== undefined && !anchorsOf(file).includes(anchor)
    }
    const broken = pages.flatMap((page) =>
      [
        ...linesOf(page)
          .join('\n')
          .matchAll(/\]\(([^)\s]+)\)/g),
      ]
        .map(([, target = '']) => target)
        .filter((target) => !/^[a-z]+:/.test(target) && isBroken(page, target))
        .map((target) => at(page, target)),
    )
    expect(broken).toEqual([])
  })

  test('name files of the project that are there', () => {
    const named = (folders: string, text: string) =>
      [
        ...text.matchAll(
          new RegExp(
            String.raw`(?<![\w/.@-])(?:${folders})/[\w./-]*\.(?:[jt]sx?|json|md|sql|css|conf)\b`,
            'g',
          ),
        ),
      ].map(([path]) => path)
    // The table in SECURITY.md names tests from `test/` on. In an example of code, a source may be the reader's own.
    const isThere = (page: string, path: string) =>
      [path, `test/${path}`, posix.join(posix.dirname(page), path)].some((one) => existsSync(join(root, one)))
    const missing = pages.flatMap((page) =>
      [
        ...named('server|web|migrations|faults|docs', linesOf(page).join('\n')),
        ...named('test|bench|scripts|deploy', textOf(page)),
      ]
        .filter((path) => !isThere(page, path))
        .map((path) => at(page, path)),
    )
    expect(missing).toEqual([])
  })
})

const UNITS: Record<string, number> = {
  ...{ ms: 1, s: 1_000, min: 60_000, h: 3_600_000, days: 86_400_000 },
  ...{ kB: 1e3, MB: 1e6 },
}

/** A default as a table shows it: `60,000`, `0.4`, `64 kB`, `15 min`, `true`. */
const defaultOf = (shown: string): unknown => {
  if (shown === 'true' || shown === 'false') return shown === 'true'
  const [, digits = '', unit] = /^([\d,.]+)(?: (\w+))?$/.exec(shown) ?? []
  return Number(digits.replaceAll(',', '')) * (unit ? (UNITS[unit] ?? Number.NaN) : 1)
}

test('SECURITY.md lists each limit with its default', () => {
  const rows = linesOf('SECURITY.md')
    .map((line) => /^\| `(\w+)` \| ([^|]+) \|/.exec(line))
    .flatMap((row) => (row ? [[row[1], defaultOf(row[2]?.trim() ?? '')] as const] : []))
  expect(rows.map(([name]) => name).toSorted()).toEqual(Object.keys(DEFAULT_LIMITS).toSorted())
  expect(Object.fromEntries(rows)).toEqual(DEFAULT_LIMITS)
})

// docs/troubleshooting.md has a heading for each code that a program or a person may meet, and for nothing else.
import { expect, test } from 'vitest'
import { SetupError, type SetupStep, setupSentence } from '../../server/base/setup-error.ts'
import { PROBLEM_STATUS } from '../../server/protocol/index.ts'
import { codeOf, sourceFiles, textOf } from './sources.ts'

const page = textOf('docs/troubleshooting.md')

/** The headings of the third level below one of the second. */
const headingsBelow = (section: string): string[] => {
  const [, rest = ''] = page.split(`\n## ${section}\n`)
  const [own = ''] = rest.split('\n## ')
  return [...own.matchAll(/^### (.+)$/gm)].map(([, heading = '']) => heading)
}

test('each code of the doctor has a heading', () => {
  const [, union = ''] =
    /export type FindingCode =([\s\S]*?)\n\n/.exec(textOf('server/doctor/finding.ts')) ?? []
  const codes = [...union.matchAll(/'(\w+)'/g)].map(([, code = '']) => code)
  expect(codes.length).toBeGreaterThan(20)
  expect(headingsBelow('What the doctor says').toSorted()).toEqual(codes.toSorted())
})

test('each problem code has a heading, with its status', () => {
  expect(headingsBelow('Problem codes').toSorted()).toEqual(Object.keys(PROBLEM_STATUS).toSorted())
  for (const [code, status] of Object.entries(PROBLEM_STATUS))
    expect(page).toMatch(new RegExp(`### ${code}\n\n${status}[.,]`))
})

test('each code is linked at the top of its section: three clicks from the front page', () => {
  for (const section of ['What the doctor says', 'Problem codes']) {
    const [, rest = ''] = page.split(`\n## ${section}\n`)
    const [top = ''] = rest.split('\n### ')
    for (const code of headingsBelow(section)) expect(top).toContain(`[${code}](#${code})`)
  }
})

test('what messages, the console and the command line name is a heading', () => {
  const named = ['migrations/index.ts', 'web/client/words/warnings.ts'].flatMap((path) =>
    [...textOf(path).matchAll(/["“]([A-Z][^"”\n]*)["”] (?:in|\.)|troubleshooting\.md, "([^"]+)"/g)].map(
      ([, one, other]) => one ?? other ?? '',
    ),
  )
  expect(named.length).toBeGreaterThan(2)
  for (const heading of named) expect(page).toContain(`\n## ${heading}\n`)
})

test('an error of setting up ends with its step’s heading, in the log and in an answer', () => {
  const steps = headingsBelow('Every request is answered 500')
  const [, union = ''] = /export type SetupStep = (.*)/.exec(textOf('server/base/setup-error.ts')) ?? []
  expect(steps).toEqual([...union.matchAll(/'(\w+)'/g)].map(([, step]) => step))
  for (const step of steps as SetupStep[]) {
    const link = `docs/troubleshooting.md#${step} of the package noclobber.`
    expect(new SetupError(step, 'It is so.').message).toBe(`It is so. See ${link}`)
    expect(setupSentence(step)).toMatch(/^\S.*\. See /)
    expect(setupSentence(step).endsWith(link)).toBe(true)
  }
})

test('what a message says to see is a heading', async () => {
  const headings = [...page.matchAll(/^#{2,3} (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\w -]/g, '')
      .replaceAll(' ', '-'),
  )
  const sources = (await sourceFiles()).map(codeOf).join('\n')
  const named = [
    ...sources.matchAll(/seeAbout\('([^']+)'\)/g),
    ...sources.matchAll(/new SetupError\('\w+', \w+, '(\w+)'\)/g),
  ].map(([, heading = '']) => heading)
  expect(named.length).toBeGreaterThan(6)
  expect(named.filter((heading) => !headings.includes(heading))).toEqual([])
})

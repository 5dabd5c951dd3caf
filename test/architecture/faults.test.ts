// The faults that are made on purpose, and the tags of the tests that live through them.
import { expect, test } from 'vitest'
import { codeOf, projectFiles, textOf } from './sources.ts'

const faults = Object.keys(JSON.parse(textOf('scripts/faults.json'))).sort()

test('each fault has a test that carries its tag, and each tag is of a fault', async () => {
  const tests = (await projectFiles()).filter((path) => /^test\/.*\.test\.tsx?$/.test(path))
  const tags = tests.flatMap((path) =>
    [...codeOf(path).matchAll(/'fault:([\w-]+)'/g)].map(([, name]) => name),
  )
  expect([...new Set(tags)].sort()).toEqual(faults)
})

test('the scorecard runs each file that has such a test', async () => {
  const tests = (await projectFiles()).filter((path) => /^test\/.*\.test\.tsx?$/.test(path))
  const scorecard = textOf('scripts/scorecard.js')
  const tagged = tests.filter((path) => /'fault:[\w-]+'/.test(codeOf(path)))
  expect(tagged.filter((path) => !scorecard.includes(`'${path}'`))).toEqual([])
})

// The project's style, as far as a program can read it.
import { basename } from 'node:path'
import { describe, expect, test } from 'vitest'
import { codeOf, projectFiles, sourceFiles, textOf } from './sources.ts'

const MAX_LINES = 300
/** Casts past the type checker, in `server/` together; `web/` and `migrations/` have none. */
const MAX_CASTS = 15

const files = await sourceFiles()
const library = files.filter((path) => !/^(server|web)\/demo\//.test(path))

describe('a source file', () => {
  test(`has at most ${MAX_LINES} lines`, () => {
    const long = files.filter((path) => textOf(path).trimEnd().split('\n').length > MAX_LINES)
    expect(long).toEqual([])
  })

  test('opens with a comment that says what it is', () => {
    expect(files.filter((path) => !/^(#!.*\n)?(\/\/|\/\*\*) ?\S/.test(textOf(path)))).toEqual([])
  })

  test('is named in kebab case, or after its component or hook', () => {
    const name = /^(\d{3}-)?([a-z\d]+(-[a-z\d]+)*|[A-Z][A-Za-z]+|use[A-Z][A-Za-z]+)(\.config)?\.tsx?$/
    expect(files.filter((path) => !name.test(basename(path)))).toEqual([])
  })

  test('re-exports by name', () => {
    expect(files.filter((path) => /\bexport\s*\*/.test(codeOf(path)))).toEqual([])
  })

  test('holds no enum and no namespace', () => {
    expect(
      files.filter((path) => /^\s*(export\s+)?(const\s+)?(enum|namespace)\s/m.test(codeOf(path))),
    ).toEqual([])
  })
})

test('an object is one literal, not merged from literals: so the compiler knows of each name that is too much', () => {
  expect(files.filter((path) => /^\s*\.\.\.\{/m.test(codeOf(path)))).toEqual([])
})

test(`at most ${MAX_CASTS} casts go past the type checker, each with its reason beside it`, () => {
  const casts = files.flatMap((path) => {
    const lines = textOf(path).split('\n')
    return lines.flatMap((line, index) => {
      if (!/\bas (never|unknown as)\b/.test(line)) return []
      const isExplained = lines
        .slice(Math.max(0, index - 2), index + 1)
        .some((near) => /\/\/|\/\*\*/.test(near))
      return [`${path}:${index + 1}${isExplained ? '' : ' without a reason'}`]
    })
  })
  expect(casts.filter((cast) => cast.endsWith(' without a reason'))).toEqual([])
  expect(casts.filter((cast) => !cast.startsWith('server/'))).toEqual([])
  expect(casts.length).toBeLessThanOrEqual(MAX_CASTS)
})

test('an error that is swallowed has its reason beside it', () => {
  const silent = files.flatMap((path) => {
    const lines = textOf(path).split('\n')
    return lines.flatMap((line, index) => {
      if (!/\bcatch(\(\(\) => \{\}\)| \{\}|\(\(\) => undefined\))/.test(line)) return []
      const near = lines.slice(Math.max(0, index - 3), index + 1)
      return near.some((one) => /\/\/|\/\*\*|^ \*\//.test(one)) ? [] : [`${path}:${index + 1}`]
    })
  })
  expect(silent).toEqual([])
})

test('nothing races with a promise that stays, or is combined with a signal that stays', () => {
  // Both keep what they were given for as long as the other lives: see `createEnding`.
  const ownTimer = ['server/pacing/timeouts.ts']
  const isRace = (path: string) => /Promise\.race|AbortSignal\.any/.test(codeOf(path))
  expect(library.filter((path) => isRace(path) && !ownTimer.includes(path))).toEqual([])
})

test('the library never touches the process', () => {
  const use = /(?<![.\w-])process\s*[.?[]|['"](node:)?process['"]/
  // Bundlers put a text in the place of `process.env.NODE_ENV`; the others have it in the text of files that they propose.
  const replaced = [
    'web/devtools/index.ts',
    'web/client/words/development.ts',
    'server/setup/migration-text.ts',
    'server/setup/records-text.ts',
  ]
  expect(library.filter((path) => use.test(codeOf(path)) && !replaced.includes(path))).toEqual([])
})

test('nothing generated, private or left over lies in the tree', async () => {
  const stray =
    /(^|\/)(dist|coverage|node_modules|\.noclobber)\/|\.(tgz|log|tsbuildinfo|orig|rej|swp)$|(^|\/)(\.env|\.DS_Store)/
  expect((await projectFiles()).filter((path) => stray.test(path))).toEqual([])
})

test('no compiled file lies beside its source', async () => {
  const beside = (await projectFiles()).filter((path) =>
    /^(server|web|testing|migrations|test)\/.*\.(js|d\.ts|map)$/.test(path),
  )
  expect(beside).toEqual([])
})

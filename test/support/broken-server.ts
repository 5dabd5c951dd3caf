// The server with one symbol replaced: its sources, bundled with the replacement and loaded beside the real ones. What
// is published knows nothing of it. The symbol is found in the syntax tree of its module, so neither the layout nor the
// wording of the code counts; a symbol that isn't there fails the test that uses it.
import { access, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type Plugin, parseAst } from 'vite'
import { atEnd } from './at-end.ts'
import { besideSource } from './beside-source.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** One symbol of one module, and what takes its place. */
export interface Mutant {
  /** From the root: `server/http/origin.ts`. */
  module: string
  /** A function or constant at the top level of the module, exported or not. */
  symbol: string
  /** Gives the replacement. It is called once, with the real value, when the module is loaded. */
  broken: (real: never) => unknown
}

/** Where the bundles find the replacements of this process. */
const REPLACEMENTS = Symbol.for('noclobber.mutants')
const replacements: Mutant['broken'][] = []
Object.assign(globalThis, { [REPLACEMENTS]: replacements })

/** The module's code in which the top-level `symbol` is what `replace` makes of it. */
export function replaceSymbol(code: string, symbol: string, replace: string): string | null {
  for (const statement of parseAst(code).body) {
    const declaration = statement.type === 'ExportNamedDeclaration' ? statement.declaration : statement
    if (declaration?.type === 'FunctionDeclaration' && declaration.id?.name === symbol)
      return `${symbol} = ${replace}(${symbol});${code}`
    if (declaration?.type !== 'VariableDeclaration') continue
    for (const { id, init } of declaration.declarations) {
      if (id.type !== 'Identifier' || id.name !== symbol || !init) continue
      const { start, end } = init
      return `${code.slice(0, start)}${replace}(${code.slice(start, end)})${code.slice(end)}`
    }
  }
  return null
}

/** Loads the server with this symbol replaced. */
export async function breakServer({
  module,
  symbol,
  broken,
}: Mutant): Promise<typeof import('noclobber/server')> {
  const path = join(root, module)
  await access(path).catch(() => {
    throw new Error(`There is no module ${module}: was it renamed? Name it as it is called now.`)
  })
  const replace = `globalThis[Symbol.for('${REPLACEMENTS.description}')][${replacements.push(broken) - 1}]`
  // Below node_modules, so that the bundle finds what it imports.
  const outDir = await mkdtemp(join(root, 'node_modules', 'noclobber-broken-'))
  atEnd(() => rm(outDir, { recursive: true, force: true }))
  let isReplaced = false
  const plugin: Plugin = {
    name: 'one-broken-symbol',
    transform: (code, id) => {
      if (id !== path) return null
      const mutated = replaceSymbol(code, symbol, replace)
      if (mutated === null)
        throw new Error(`${module} has no function or constant ${symbol} at its top level: was it renamed?`)
      isReplaced = true
      return { code: mutated, map: null }
    },
  }
  await build({
    configFile: false,
    logLevel: 'silent',
    plugins: [besideSource, plugin],
    build: {
      ssr: join(root, 'server/index.ts'),
      outDir,
      rolldownOptions: { output: { entryFileNames: 'server.mjs' } },
    },
  })
  if (!isReplaced) throw new Error(`${module} is no part of the server.`)
  return import(/* @vite-ignore */ join(outDir, 'server.mjs'))
}

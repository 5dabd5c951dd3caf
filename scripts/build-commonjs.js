// The package once more as CommonJS, in dist/cjs/: for `require` where Node can't load modules by it, which is Jest, and for compilers
// that resolve its types as CommonJS. Made of what the compiler wrote; the types are the same files, read there as CommonJS.
import { copyFile, mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { rolldown } from 'rolldown'

const FOLDER = 'cjs'
const isCopied = (path) => path.endsWith('.d.ts') || path.endsWith('.sql')

/**
 * @param dist The folder that the compiler wrote.
 * @param names By the name of a door, `noclobber/server`, the path of its module from that folder.
 */
export const buildCommonJs = async (dist, names) => {
  const doors = Object.values(names)
  const target = join(dist, FOLDER)
  // A door that imports another by its name: the folder below has a package.json without one, so Node would not find itself.
  const alias = Object.fromEntries(Object.entries(names).map(([name, path]) => [name, join(dist, path)]))
  const build = await rolldown({
    input: Object.fromEntries(doors.map((path) => [path.replace(/\.js$/, ''), join(dist, path)])),
    resolve: { alias },
    external: (id) => /^[^./]/.test(id) && !Object.hasOwn(alias, id),
    platform: 'node',
    logLevel: 'warn',
  })
  const { output } = await build.write({
    dir: target,
    format: 'cjs',
    exports: 'named',
    preserveModules: true,
    preserveModulesRoot: dist,
    entryFileNames: '[name].js',
    chunkFileNames: '[name].js',
    // Editors read them in the types.
    comments: { jsdoc: false },
  })
  await build.close()
  const written = new Set(['package.json', ...output.map(({ fileName }) => fileName)])
  for (const path of await filesBelow(dist)) {
    if (path.startsWith(`${FOLDER}/`) || /(^|\/)demo\//.test(path) || !isCopied(path)) continue
    await mkdir(dirname(join(target, path)), { recursive: true })
    await copyFile(join(dist, path), join(target, path))
    written.add(path)
  }
  await writeFile(join(target, 'package.json'), '{ "type": "commonjs" }\n')
  for (const path of await filesBelow(target)) if (!written.has(path)) await rm(join(target, path))
}

const filesBelow = async (dir) => {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(dir.length + 1))
}

// `node scripts/release.js`: publishes both packages, noclobber first, as the release workflow calls it for a tag. What npm gets is what
// `npm pack` makes of each folder, with the repository in its manifest that the workflow runs in: npm compares it with the provenance.
// `--dry-run` sends nothing, whatever registry is named. Needs a built tree.
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const root = fileURLToPath(new URL('..', import.meta.url))
const FOLDERS = ['.', 'deploy/create-noclobber']
const MOST_OUTPUT = 64 * 1024 * 1024

const { GITHUB_SERVER_URL = 'https://github.com', GITHUB_REPOSITORY, GITHUB_REF_NAME } = process.env
const isDry = process.argv.includes('--dry-run')
const npm = async (...args) => (await run('npm', args, { cwd: root, maxBuffer: MOST_OUTPUT })).stdout

const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
if (!isDry && GITHUB_REF_NAME !== `v${version}`)
  throw new Error(`The tag ${GITHUB_REF_NAME} doesn't name this version, ${version}.`)
if (!GITHUB_REPOSITORY)
  throw new Error('GITHUB_REPOSITORY, as acme/noclobber, says where the packages are from.')

const dir = await mkdtemp(join(tmpdir(), 'noclobber-release-'))
try {
  for (const folder of FOLDERS) console.log(await publish(folder))
} finally {
  await rm(dir, { recursive: true, force: true })
}

/** What was done with the package of a folder, in one line. */
async function publish(folder) {
  const packed = await npm(
    'pack',
    join(root, folder),
    '--json',
    '--ignore-scripts',
    '--pack-destination',
    dir,
  )
  const [{ name, filename }] = JSON.parse(packed)
  const place = await mkdtemp(join(dir, 'package-'))
  await run('tar', ['-xzf', join(dir, filename), '--strip-components=1', '-C', place])
  const path = join(place, 'package.json')
  const manifest = JSON.parse(await readFile(path, 'utf8'))
  manifest.repository = {
    type: 'git',
    url: `git+${GITHUB_SERVER_URL}/${GITHUB_REPOSITORY}.git`,
    ...(folder !== '.' && { directory: folder }),
  }
  // They built the folder that this was packed from, and would find nothing to build here.
  delete manifest.scripts
  await writeFile(path, `${JSON.stringify(manifest, null, 2)}\n`)
  // A run that is repeated publishes what the one before it didn't.
  if (!isDry && (await isThere(`${name}@${version}`))) return `${name}@${version}: there already`
  const published = JSON.parse(
    await npm(
      'publish',
      place,
      '--json',
      '--access',
      'public',
      '--provenance',
      ...(isDry ? ['--dry-run'] : []),
    ),
  )
  const { size, entryCount } = published[name] ?? published
  const done = isDry ? 'would be published' : 'published'
  return `${name}@${version}: ${done} from ${manifest.repository.url}, ${entryCount} files, ${size} bytes`
}

async function isThere(spec) {
  return npm('view', spec, 'version').then(
    (found) => found.trim() !== '',
    () => false,
  )
}

// One word for one thing, and it is the field's word. These are words that once stood for something that has a name.
import { expect, test } from 'vitest'
import { projectFiles, textOf } from './sources.ts'

/** What each must not be called, and what it is called. Whole words, in whatever case, in code and in prose. */
const REPLACED: [RegExp, string][] = [
  [/\btold early\b|\btell early\b/i, 'early delivery'],
  [/\bpatien(ce|t)\b|patience/i, 'timeout'],
  [/\bturnstile\b|createTurnstile/i, 'admission queue'],
  [/\bat leisure\b|atLeisure/, 'idle'],
  [/\b(a|the|of) herd\b|\bherds?\b/i, 'reconnect storm'],
  [/\blast callers\b|\bat the door\b|\bits door\b/i, 'accept backlog'],
  [/\bkept (work|answers?)\b|keptAnswer|kept-work/i, 'idempotent run, stored response'],
  [/\brows in hand\b|rowsInHand/i, 'authorization rows'],
  [/\bblind verdict\b|blindVerdict/i, 'static permission'],
  [/\bgathered reads?\b|gathered(Versions|Judged)/i, 'batched reads'],
  [/\bseen records?\b|SeenRecords/, 'record cache'],
  [/\bvouch(es|ed|ing)?\b/i, 'precomputed change set'],
  [
    /\b(change|import|presence) news\b|\w+-news\b|(Change|Import)News/,
    'change waiters, import progress, presence',
  ],
  [/\brouse[sd]?\b/i, 'notify'],
  [/\bhappenings?\b|Happening/, 'event'],
  [/\bwith hands\b/i, 'store with effects'],
  [/\bladder\b|\brungs?\b|\bclimbers?\b/i, 'transport fallback, transport, candidate'],
  [/\bcreateDoubt\b|\bDoubt\b/, 'liveness check'],
  [/\binbox\b/i, 'event router'],
  [/\brhythm\b/i, 'refresh schedule'],
  [/\bunbundl\w*|\bbundled (changes|rows)\b|change_bundles/i, 'batched log rows, compaction'],
  [/\bgraves?\b/i, 'tombstones'],
  [/\btake hold\b|takeHold|\bletGo\b/, 'acquire, release'],
  [/\bwish(es|ed)?\b/i, 'pending subscription'],
  [/\bteeth\b|\btooth\b/i, 'mutation tests'],
  [/\bstrangers?\b/i, 'tenant isolation, a client without a session, another program'],
  [/\bits own undoing\b/i, 'dispose function'],
  [/\bglow(s|ed|ing)?\b/i, 'highlight'],
  [/\bcomplaints?\b/i, 'row error'],
  [/\bwhoever\b/i, 'the user, the caller, they'],
]

const ITSELF = 'test/architecture/words.test.ts'
/** It makes a log as it was called then. */
const OLDER_LOG = 'test/migrations/older-log.test.ts'

test('every thing has its name from the field', async () => {
  const texts = (await projectFiles()).filter(
    (path) => /\.(ts|tsx|js|css|sql|md|html|yml|conf)$/.test(path) && path !== ITSELF && path !== OLDER_LOG,
  )
  const found = texts.flatMap((path) =>
    textOf(path)
      .split('\n')
      .flatMap((line, index) =>
        REPLACED.filter(([word]) => word.test(line)).map(
          ([word, name]) => `${path}:${index + 1} ${word.exec(line)?.[0]} → ${name}`,
        ),
      ),
  )
  expect(texts.length).toBeGreaterThan(400)
  expect(found).toEqual([])
})

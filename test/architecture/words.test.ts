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
  [/\b(told|tells?|telling)\b|\b(tell|told)[A-Z]|[a-z](Tell|Told)\b/i, 'publish or send, message'],
  [/\b(hears?|heard|hearers?)\b|\b(hear|heard)[A-Z]|[a-z]Heard\b|(over|un)heard/, 'receive'],
  [/\bConcern\b|\breadPlace\b/, 'routed change, record room'],
  [/\bEditKeeper\b|\bKeptClient\b|\bkeepers?\b/, 'draft persistence'],
  [/:\s?Log\b|\btype Log\b|\binterface Log\b/, 'logger'],
  [/\blanes?\b/i, 'queue, connection'],
  [/\bshel(f|ves)\b/i, 'partition'],
  [/\bthe row in hand\b/i, "the record's row"],
  [/\b(full|small) dose\b|\bdoses?\b/i, 'size of a run'],
  [/\bportions?\b|\bbites?\b/i, 'chunk, time slice'],
  [/\bLONELY\b|\bisLonely\b/, 'of one node'],
  [/\bhouse tests?\b|test\/house/i, 'architecture tests'],
  [/\b(he|him|his|himself)\b/i, 'the user, the caller, they'],
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

const EXEMPT = [
  'test/architecture/words.test.ts',
  // It makes a log as it was called then.
  'test/migrations/older-log.test.ts',
  // Streets and roads.
  'server/demo/seed-projects.ts',
]

test('every thing has its name from the field', async () => {
  const texts = (await projectFiles()).filter(
    (path) => /\.(ts|tsx|js|css|sql|md|html|yml|conf)$/.test(path) && !EXEMPT.includes(path),
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

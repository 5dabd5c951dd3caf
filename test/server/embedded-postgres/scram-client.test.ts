// The launcher's own connections show the password to nobody, whatever is asked for.
import { expect, test } from 'vitest'
import { connectByScram, NotOurServer } from '../../../server/embedded-postgres/scram-client.ts'
import { clearText, md5, message, sasl, startThief, welcome } from '../../support/thief.ts'

const PASSWORD = 'nobody-may-read-this'

test.each([
  ['clear text', [clearText]],
  ['an MD5 sum', [md5]],
  ['clear text and SCRAM in one breath', [Buffer.concat([clearText, sasl])]],
  ['SCRAM and clear text in one breath', [Buffer.concat([sasl, clearText])]],
  ['SCRAM, and then clear text', [sasl, clearText]],
  ['SCRAM, and then MD5', [sasl, md5]],
  ['a Kerberos ticket', [message('R', 7)]],
  ['nothing', [welcome]],
  ['SCRAM, and then nothing', [sasl, welcome]],
  ['SCRAM, and then a final word that proves nothing', [sasl, message('R', 12, 'v=AAAA')]],
  ['something unknown', [message('R', 99)]],
  ['a message that is cut short', [Buffer.from('R\0\0\0\x04')]],
  ['a message of a negative length', [Buffer.from('R\xff\xff\xff\xff', 'latin1')]],
  ['more than a server says', [Buffer.concat([Buffer.from('R\0\xff\0\0', 'latin1'), Buffer.alloc(100_000)])]],
  ['to go away', []],
])('a listener that asks for %s gets no password and is not believed', async (_, says) => {
  const thief = await startThief(says)
  const begun = performance.now()
  await expect(connectByScram(thief.port, PASSWORD)).rejects.toThrow()
  // Long before its timeout of 5 s.
  expect(performance.now() - begun).toBeLessThan(4_000)
  expect(thief.received()).not.toContain(PASSWORD)
  expect(thief.received()).not.toContain('md5')
})

test('what is refused says so', async () => {
  const { port } = await startThief([clearText])
  await expect(connectByScram(port, PASSWORD)).rejects.toBeInstanceOf(NotOurServer)
})

// Validated rows of an import during its upload: in memory as long as they are few, else in a file.
// Invariant: nothing of them outlives the import; the file has no name from the moment it is open, where the system
// allows that, and nobody but this process's user may read it.
import { randomUUID } from 'node:crypto'
import { type FileHandle, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { seeAbout } from '../base/setup-error.ts'

/** Bytes that are held in memory. */
const MOST_IN_MEMORY = 256_000

export interface ImportSpool {
  add(text: string): Promise<void>
  /** All texts, in their order. */
  texts(): AsyncGenerator<string, void, undefined>
  /** Forgets everything. */
  close(): Promise<void>
}

/** In a container with a read-only root, or on a full disk. */
const unwritable = (cause: unknown) =>
  new Error(
    `Rows of an import wait in a file, and none can be written in ${tmpdir()}: ${cause instanceof Error ? cause.message : cause}. ` +
      `Give the process a temporary folder by TMPDIR. ${seeAbout('a-large-import-is-answered-500')}`,
    { cause },
  )

export const createSpool = (): ImportSpool => {
  let held: Buffer[] = []
  let heldBytes = 0
  /** Of each text in the file, in bytes. */
  const lengths: number[] = []
  let path = ''
  let file: FileHandle | null = null

  const openFile = async (): Promise<FileHandle> => {
    path = join(tmpdir(), `noclobber-import-${randomUUID()}`)
    const opened = await open(path, 'wx+', 0o600)
    // Where an open file keeps its name, closing takes it away.
    await rm(path).catch(() => {})
    return opened
  }

  const flush = async () => {
    const texts = held
    held = []
    heldBytes = 0
    try {
      file ??= await openFile()
      await file.appendFile(Buffer.concat(texts))
    } catch (cause) {
      throw unwritable(cause)
    }
    for (const { length } of texts) lengths.push(length)
  }

  return {
    add: async (text) => {
      const bytes = Buffer.from(text)
      held.push(bytes)
      heldBytes += bytes.length
      if (heldBytes > MOST_IN_MEMORY) await flush()
    },
    texts: async function* () {
      let at = 0
      for (const length of lengths) {
        const bytes = Buffer.allocUnsafe(length)
        await file?.read(bytes, 0, length, at)
        at += length
        yield bytes.toString()
      }
      for (const bytes of held) yield bytes.toString()
    },
    close: async () => {
      held = []
      if (!file) return
      await file.close()
      await rm(path, { force: true })
      file = null
    },
  }
}

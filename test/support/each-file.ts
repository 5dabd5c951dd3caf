// Runs for each test file, also where files of one worker share their modules.
import { afterAll, expect, vi } from 'vitest'
import { endFile } from './at-end.ts'

/** For a test with a browser: a slow machine under load is given its time. */
const WITH_BROWSER_MS = 400_000

// Vitest takes it back at the end of the file.
if (expect.getState().testPath?.includes('/test/e2e/')) vi.setConfig({ testTimeout: WITH_BROWSER_MS })

afterAll(endFile)

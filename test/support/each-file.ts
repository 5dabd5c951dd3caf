// Runs for each test file, also where files of one worker share their modules.
import { afterAll } from 'vitest'
import { endFile } from './at-end.ts'

afterAll(endFile)

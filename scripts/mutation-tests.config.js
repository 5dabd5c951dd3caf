// Vitest as `npm run mutation` runs it: the tests of one subject alone, without services.
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: { include: process.env.NOCLOBBER_MUTATION_TESTS?.split(',') ?? [], environment: 'node' },
})

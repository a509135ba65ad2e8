import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    pool: 'forks',
    // Most of the time a test waits: for a deadline, a registry, a process. One worker less than cores would leave the machine idle.
    maxWorkers: 3,
  },
})

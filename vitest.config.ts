import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    // For what never ends. It says nothing of speed: on a busy machine the longest test takes eight times as long as on a quiet one.
    testTimeout: 240_000,
    hookTimeout: 240_000,
    pool: 'forks',
    // Most of the time a test waits: for a deadline, a registry, a process. One worker less than cores would leave the machine idle.
    maxWorkers: 3,
  },
})

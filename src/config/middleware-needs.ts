import type { Config } from './config.ts'

/**
 * What stands in the way of Connect-style middlewares, as a sentence; null when nothing does. Functions don't survive the crossing to a
 * thread, and only the standard engine has the objects that they take.
 */
export function obstacleToMiddlewares({ workers, listeners }: Config): string | null {
  if (workers !== 0) return 'middlewares run in the main thread only: set `workers: 0`'
  const other = listeners.find(({ engine }) => engine !== 'standard')
  return other === undefined
    ? null
    : `middlewares need \`engine: standard\` on every listener, unlike listener ${other.name}`
}

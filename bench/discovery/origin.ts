import { type Instance, startInstances } from '../../test/support/instance.ts'
import { serveTasks } from './side-process.ts'

const running: Instance[] = []

/** Instances that answer, in a process that does nothing else. */
serveTasks({
  async start({ count }: { readonly count: number }) {
    running.push(...(await startInstances('live', count)))
    return running.map(({ id, port }) => ({ id, port }))
  },
})

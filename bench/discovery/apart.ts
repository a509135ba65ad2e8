import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { familyOf } from '../macro/procfs.ts'

/**
 * Gives the way of a request a CPU of its own, and another one to all that happens beside it: the gateway's control thread and
 * collectors, registries and those who change them. What is left between the two is what the gateway's threads do to each other.
 *
 * @param way the processes that send requests, and answer them
 */
export function setApart({ gateway, way }: { readonly gateway: number; readonly way: readonly number[] }): void {
  for (const pid of familyOf(process.pid)) taskset('-apc', way.includes(pid) ? 0 : 1, pid)
  for (const thread of readdirSync(`/proc/${gateway}/task`)) {
    const name = readFileSync(`/proc/${gateway}/task/${thread}/comm`, 'utf8')
    if (name.startsWith('tidegate-')) taskset('-pc', 0, Number(thread))
  }
}

function taskset(how: string, cpu: number, id: number): void {
  execFileSync('taskset', [how, String(cpu), String(id)], { stdio: ['ignore', 'ignore', 'inherit'] })
}

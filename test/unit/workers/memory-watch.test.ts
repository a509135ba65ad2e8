import { expect, test } from 'vitest'
import { type MemoryReading, MemoryWatch, readMemory } from '../../../src/workers/memory-watch.ts'

function watch() {
  const heard: [boolean, string][] = []
  const memory = new MemoryWatch((...change) => void heard.push(change))
  const look = (heapPercent: number, processPercent: number): void => {
    const reading: MemoryReading = {
      heapBytes: heapPercent,
      heapLimitBytes: 100,
      processBytes: processPercent,
      processLimitBytes: 100,
    }
    memory.look(reading)
  }
  return { heard, look }
}

test('sheds after two looks in a row at 90 %, says so once, and serves again under 80 %', () => {
  const { heard, look } = watch()
  for (const percent of [89, 90, 89, 90]) look(1, percent)
  expect(heard).toEqual([])

  for (const percent of [90, 95, 85, 80, 99, 80]) look(1, percent)
  expect(heard).toEqual([[true, "the process's memory is at 90 % of its limit"]])

  look(2, 79)
  expect(heard.slice(1)).toEqual([[false, "the process's memory is at 79 % of its limit"]])
})

test('looks at the heap of the thread as well', () => {
  const { heard, look } = watch()
  look(93, 10)
  look(93, 10)
  look(79, 85)
  expect(heard).toEqual([[true, "the thread's heap is at 93 % of its limit"]])
})

test('reads what is in use and what may be', () => {
  const { heapBytes, heapLimitBytes, processBytes, processLimitBytes } = readMemory()
  expect(heapBytes).toBeGreaterThan(1_000_000)
  expect(heapLimitBytes).toBeGreaterThan(heapBytes)
  expect(processBytes).toBeGreaterThan(heapBytes)
  expect(processLimitBytes).toBeGreaterThan(processBytes)
})

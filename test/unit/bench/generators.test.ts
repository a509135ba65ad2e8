import { describe, expect, it } from 'vitest'
import { countFailures, parseResult } from '../../../bench/macro/generators/contract.ts'

const report = `Running 4s test @ http://127.0.0.1:8080/json
  1 threads and 64 connections
  81512 requests in 4.00s, 18.66MB read
Requests/sec:  20374.62

result {"requests":81512,"micros":4000664,"p50Micros":2900,"p99Micros":6100,"p999Micros":9900,"failures":{"connect":0,"read":2,"write":0,"timeout":1,"status":40}}
`

describe('the output of a load generator', () => {
  it('is read from the line that is meant for it, whatever else is said', () => {
    expect(parseResult(report)).toMatchObject({ requests: 81_512, micros: 4_000_664, p999Micros: 9900 })
  })

  it('tells how many requests failed, in all ways together', () => {
    expect(countFailures(parseResult(report).failures)).toBe(43)
  })

  it('is shown when it holds no result', () => {
    expect(() => parseResult('unable to connect to 127.0.0.1:8080 Connection refused')).toThrow('Connection refused')
  })
})

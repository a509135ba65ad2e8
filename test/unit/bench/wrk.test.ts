import { describe, expect, it } from 'vitest'
import { countFailures, parseWrk } from '../../../bench/macro/wrk.ts'

const report = `Running 4s test @ http://127.0.0.1:8080/json
  1 threads and 64 connections
  81512 requests in 4.00s, 18.66MB read
Requests/sec:  20374.62

result {"requests":81512,"micros":4000664,"p50Micros":2900,"p99Micros":6100,"p999Micros":9900,"failures":{"connect":0,"read":2,"write":0,"timeout":1,"status":40}}
`

describe('the output of wrk', () => {
  it('is read from the line that the script adds to the report', () => {
    expect(parseWrk(report)).toMatchObject({ requests: 81_512, micros: 4_000_664, p999Micros: 9900 })
  })

  it('tells how many requests failed, in all ways together', () => {
    expect(countFailures(parseWrk(report).failures)).toBe(43)
  })

  it('is shown when it holds no result', () => {
    expect(() => parseWrk('unable to connect to 127.0.0.1:8080 Connection refused')).toThrow('Connection refused')
  })
})

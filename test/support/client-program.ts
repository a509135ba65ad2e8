import { connect } from '../../src/client.ts'

// A program that calls SERVICE of REGISTRY once, and then has nothing to do; with CLOSES=true it closes its client first.

const client = connect(process.env.SERVICE ?? '', { registry: process.env.REGISTRY ?? '' })
const response = await client.fetch('/')
console.log(response.status)
await response.text()
if (process.env.CLOSES === 'true') await client.close()

import { connect } from '../../src/client.ts'

// A program that calls SERVICE of REGISTRY once, and then has nothing to do; with CLOSES=true it closes its client first.

const { SERVICE = '', REGISTRY = '', TIMEOUT = '30s', CLOSES } = process.env
const client = connect(SERVICE, { registry: REGISTRY, timeout: TIMEOUT })
try {
  const response = await client.fetch('/')
  console.log(response.status)
  await response.text()
} catch (error) {
  console.log(String((error as Error).cause))
}
if (CLOSES === 'true') await client.close()

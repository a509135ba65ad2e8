import { startGateway } from '../../src/index.ts'

/** A process whose gateway logs something and that ends before another event could run. */
const gateway = await startGateway({
  config: {
    listeners: [{ name: 'edge', address: '127.0.0.1:0' }],
    admin: { address: '127.0.0.1:0' },
    workers: 0,
    stateDir: null,
    routes: [],
  },
})
gateway.logger.error('the last line')
process.exit(3)

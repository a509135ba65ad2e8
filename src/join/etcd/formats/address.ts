import type { ValueFormat } from './contract.ts'
import { hostPort } from './host-port.ts'

export const address: ValueFormat = { prefix: '/micro/services', carries: [], write: hostPort, writeOut: null }

/** Keys are `<service>/<anything>`: https://go-zero.dev/docs/tutorials/grpc/server/register */
export const goZero: ValueFormat = { ...address, prefix: '' }

import type { Edge } from './edge.ts'
import { haproxy } from './haproxy.ts'
import { nginx } from './nginx.ts'
import { tidegate } from './tidegate.ts'

export const edges = { tidegate, nginx, haproxy } as const satisfies Record<string, Edge>
export type EdgeName = keyof typeof edges
export const edgeNames = Object.keys(edges) as EdgeName[]

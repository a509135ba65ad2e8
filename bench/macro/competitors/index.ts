import type { Competitor } from '../competitor.ts'
import { caddy } from './caddy.ts'
import { haproxy } from './haproxy.ts'
import { nginx } from './nginx.ts'
import { npmProxy } from './npm-proxy.ts'
import { tidegate } from './tidegate.ts'

/** In the order in which a round measures them. */
export const competitors: readonly Competitor[] = [
  tidegate(),
  tidegate({ name: 'tidegate standard', engine: 'standard' }),
  nginx,
  haproxy,
  caddy,
  npmProxy('http-proxy', 'http-proxy.mjs'),
  npmProxy('http-proxy-3', 'http-proxy-3.mjs'),
  npmProxy('fast-proxy', 'fast-proxy.mjs'),
  npmProxy('@fastify/http-proxy', 'fastify-http-proxy.mjs'),
]

export const competitorNames: readonly string[] = competitors.map(({ name }) => name)

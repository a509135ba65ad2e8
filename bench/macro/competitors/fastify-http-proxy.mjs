import httpProxy from '@fastify/http-proxy'
import fastify from 'fastify'
import { nextOrigin, port } from './round-robin.mjs'

const app = fastify()
await app.register(httpProxy, {
  upstream: '',
  undici: { connections: 1024 },
  replyOptions: {
    getUpstream: nextOrigin,
    rewriteRequestHeaders: (request, headers) => {
      headers['x-forwarded-for'] = request.ip
      return headers
    },
    // It hands on the origin's `connection: keep-alive` to clients that asked for `close`, who then send to a closed connection.
    rewriteHeaders: (headers) => {
      delete headers.connection
      return headers
    },
  },
})
await app.listen({ port, host: '127.0.0.1' })

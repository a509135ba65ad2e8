import { createServer } from 'node:http'
import fastProxy from 'fast-proxy'
import { nextOrigin, port } from './round-robin.mjs'

const forwarder = fastProxy({ base: nextOrigin() })
const rewriteRequestHeaders = (request, headers) => {
  headers['x-forwarded-for'] = request.socket.remoteAddress
  return headers
}
createServer((request, response) =>
  forwarder.proxy(request, response, request.url, { base: nextOrigin(), rewriteRequestHeaders }),
).listen(port, '127.0.0.1')

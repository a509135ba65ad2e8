import { Agent, createServer } from 'node:http'
import httpProxy from 'http-proxy-3'
import { nextOrigin, port } from './round-robin.mjs'

const proxy = httpProxy.createProxyServer({ agent: new Agent({ keepAlive: true, maxFreeSockets: 1024 }), xfwd: true })
proxy.on('error', (_error, _request, response) => response.destroy())
createServer((request, response) => proxy.web(request, response, { target: nextOrigin() })).listen(port, '127.0.0.1')

const host = 'host: a\r\n'
const get = (fields: string): string => `GET /x HTTP/1.1\r\n${fields}\r\n`
const post = (fields: string, body: string): string => `POST /x HTTP/1.1\r\n${host}${fields}\r\n${body}`
const chunked = 'transfer-encoding: chunked\r\n'
const last = '0\r\n\r\n'

/**
 * One connection's bytes each, and how many requests it begins with that have one reading only: what the two engines make of
 * them is compared. What is behind those is not to be forwarded.
 */
export const inputs: readonly (readonly [name: string, bytes: string, safe: number])[] = [
  ['a plain GET', get(host), 1],
  ['two requests behind each other', get(host) + get(host), 2],
  ['a body with a length', post('content-length: 5\r\n', 'hello') + get(host), 2],
  ['a chunked body', post(chunked, `5\r\nhello\r\n${last}`) + get(host), 2],
  ['a chunked body with trailers', post(chunked, '5\r\nhello\r\n0\r\nx-sum: 1\r\n\r\n'), 1],
  ['a chunked DELETE', `DELETE /x HTTP/1.1\r\n${host}${chunked}\r\n5\r\nhello\r\n${last}`, 1],
  ['OPTIONS *', `OPTIONS * HTTP/1.1\r\n${host}\r\n`, 1],
  ['a DELETE without a body', `DELETE /x HTTP/1.1\r\n${host}\r\n`, 1],
  ['HTTP/1.0', `GET /x HTTP/1.0\r\n${host}\r\n`, 1],
  ['an absolute target', `GET http://b/x HTTP/1.1\r\n${host}\r\n`, 1],
  ['an empty query', `GET /x? HTTP/1.1\r\n${host}\r\n`, 1],
  ['two question marks', `GET /x?a?b HTTP/1.1\r\n${host}\r\n`, 1],
  ['slashes in a row', `GET //x//y HTTP/1.1\r\n${host}\r\n`, 1],
  ['characters that URL would encode', `GET /x|{}^"<>\`'?|{}^"<> HTTP/1.1\r\n${host}\r\n`, 1],
  ['escapes', `GET /%7e%2Fx%20 HTTP/1.1\r\n${host}\r\n`, 1],
  ['dot segments', `GET /a/../b/%2e%2e/c/. HTTP/1.1\r\n${host}\r\n`, 1],
  ['a hidden dot segment', `GET /a/..%2fb HTTP/1.1\r\n${host}\r\n`, 0],
  ['a backslash', `GET /a\\b HTTP/1.1\r\n${host}\r\n`, 0],
  ['a fragment', `GET /a#b HTTP/1.1\r\n${host}\r\n`, 0],
  ['CL and TE', post(`content-length: 5\r\n${chunked}`, `5\r\nhello\r\n${last}`), 0],
  ['TE and CL', post(`${chunked}content-length: 5\r\n`, last), 0],
  ['two equal lengths', post('content-length: 5\r\ncontent-length: 5\r\n', 'hello'), 0],
  ['two lengths', post('content-length: 5\r\ncontent-length: 6\r\n', 'hello!'), 0],
  ...['+5', '-5', '0x5', '5.0', '5,5', '', '99999999999999999999'].map(
    (length) => [`the length ${JSON.stringify(length)}`, post(`content-length: ${length}\r\n`, 'hello'), 0] as const,
  ),
  ...['identity', 'xchunked', 'chunked, identity', 'gzip, chunked', 'chunked, chunked', '"chunked"', ',chunked'].map(
    (coding) => [`the coding ${coding}`, post(`transfer-encoding: ${coding}\r\n`, `5\r\nhello\r\n${last}`), 0] as const,
  ),
  ['Transfer-Encoding twice', post(chunked + chunked, last), 0],
  ['Transfer-Encoding with a tab behind it', post('transfer-encoding: chunked \t\r\n', `5\r\nhello\r\n${last}`), 1],
  ['Transfer-Encoding in HTTP/1.0', `POST /x HTTP/1.0\r\n${host}${chunked}\r\n${last}`, 0],
  ['Transfer_Encoding', post('transfer_encoding: chunked\r\ncontent-length: 5\r\n', 'hello'), 1],
  ['a space before the colon', get(`${host}x : y\r\n`), 0],
  ['a folded line', get(`${host}x: y\r\n z\r\n`), 0],
  ['a folded Transfer-Encoding', post(`transfer-encoding:\r\n chunked\r\n`, last), 0],
  ['CR in a value', get(`${host}x: y\rz: 1\r\n`), 0],
  ['LF in a value', get(`${host}x: y\nz: 1\r\n`), 0],
  ['NUL in a value', get(`${host}x: y\0z\r\n`), 0],
  ['high bytes in a value', get(`${host}x: \xe9\xff\r\n`), 1],
  ['an empty name', get(`${host}: y\r\n`), 0],
  ['a line without a colon', get(`${host}xy\r\n`), 0],
  ['no Host', get(''), 0],
  ['two Hosts', get(host + host), 0],
  ...['a b', 'a,b', 'a@b', 'a/b', 'a?b', 'a#b', 'a\\b', 'a:b', 'a:99999', '[::1', ''].map(
    (value) => [`the Host ${JSON.stringify(value)}`, get(`host: ${value}\r\n`), 0] as const,
  ),
  ['two spaces in the request line', `GET  /x HTTP/1.1\r\n${host}\r\n`, 0],
  ['a tab in the request line', `GET\t/x HTTP/1.1\r\n${host}\r\n`, 0],
  ...['HTTP/0.9', 'HTTP/1.2', 'HTTP/2.0', 'http/1.1', 'HTTP/1.10', 'HTTP/+1.1', ''].map(
    (version) => [`the version ${JSON.stringify(version)}`, `GET /x ${version}\r\n${host}\r\n`, 0] as const,
  ),
  ['lines that end in LF alone', 'GET /x HTTP/1.1\nhost: a\n\n', 0],
  ['an empty line in front', `\r\n${get(host)}`, 1],
  ['CONNECT', `CONNECT a:80 HTTP/1.1\r\n${host}\r\n`, 0],
  ['TRACE', `TRACE /x HTTP/1.1\r\n${host}\r\n`, 0],
  ['an unknown expectation', post('expect: 200-ok\r\ncontent-length: 5\r\n', 'hello'), 0],
  [
    'an expectation whose body came along',
    post('expect: 100-continue\r\ncontent-length: 5\r\n', 'hello') + get(host),
    2,
  ],
  ['h2c', get(`${host}connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n`), 1],
  ['an upgrade with a body', post('connection: upgrade\r\nupgrade: x\r\ncontent-length: 5\r\n', 'hello'), 1],
  ['Connection names a field', get(`${host}x-hop: 1\r\nconnection: x-hop, host, x-forwarded-for\r\n`), 1],
  [
    'forwarded fields of a client',
    get(`${host}x-forwarded-for: 1.2.3.4\r\nx_forwarded_for: 1.2.3.4\r\nproxy: x\r\n`),
    1,
  ],
  ['a Trailer field without chunks', post('trailer: x-sum\r\ncontent-length: 5\r\n', 'hello'), 1],
  ['trailers that would frame', post(chunked, '5\r\nhello\r\n0\r\ncontent-length: 3\r\n\r\n'), 1],
  ...['5z', '+5', '0x5', '', '-5', '5 '].map(
    (size) => [`the chunk size ${JSON.stringify(size)}`, post(chunked, `${size}\r\nhello\r\n${last}`), 0] as const,
  ),
  ['a chunk extension', post(chunked, `5;a=b\r\nhello\r\n${last}`), 1],
  ['LF behind a chunk size', post(chunked, `5\nhello\r\n${last}`), 0],
  ['LF behind chunk data', post(chunked, `5\r\nhello\n${last}`), 0],
  ['LF in a chunk extension', post(chunked, `5;a\nb\r\nhello\r\n${last}`), 0],
  ['more data than the chunk size', post(chunked, `5\r\nhello!\r\n${last}`), 0],
  ['garbage behind a request', `${get(host)}\0\0\0\0`, 1],
  ['garbage behind a body', `${post('content-length: 5\r\n', 'hello')}\0\0\0\0`, 1],
  ['a broken body behind a request', get(host) + post(chunked, `5z\r\nhello\r\n${last}`), 1],
]

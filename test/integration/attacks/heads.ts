import type { Attack } from './attack.ts'

const refused = '400'

/** From clients: request lines and fields. */
export const heads: readonly Attack[] = [
  {
    input: 'white space or any other byte between a field name and its colon',
    outcome: refused,
    shownBy: [['strictness-headers', 'a space before the colon', 'before the colon of a framing field']],
  },
  {
    input: 'a folded line, on any field, as the first one; a blank line with a space',
    outcome: refused,
    shownBy: [
      ['strictness-headers', 'a folded line', 'a folded Transfer-Encoding', 'as the first field', 'a blank line'],
    ],
  },
  {
    input: 'CR or LF alone in or behind a value; NUL and other control characters',
    outcome: refused,
    shownBy: [
      ['strictness-headers', 'CR before another field', 'LF before another field', 'refuses "\\u0000" in a value'],
      [
        'strictness-line-ends',
        'behind a request line',
        'behind the last field',
        'behind a head',
        'in front of a request',
      ],
    ],
  },
  {
    input: 'an empty name, a line without colon, a name with a delimiter or a high byte',
    outcome: refused,
    shownBy: [['strictness-headers', 'an empty name', 'without a colon', '} in a name', 'a high byte in a name']],
  },
  {
    input: 'no Host, two, or one that is no `host[:port]`',
    outcome: refused,
    shownBy: [
      ['strictness-host', 'no Host', 'two Hosts', 'two equal Hosts', 'the Host "a b"', 'the Host "a@b"', 'NUL in Host'],
    ],
  },
  {
    input: 'an absolute target',
    outcome: 'its authority replaces Host, for the route too; userinfo, no host, another scheme: 400',
    shownBy: [
      [
        'strictness-host',
        'takes the authority of',
        'matches routes by the authority',
        'refuses the target http://user@b/',
      ],
    ],
  },
  {
    input: '`GET *`; CONNECT, TRACE',
    outcome: '400; 405',
    shownBy: [['strictness-request-line', 'an asterisk with GET', 'refuses CONNECT', 'refuses TRACE']],
  },
  {
    input: 'HTTP/0.9, no version, `http/1.1`, HTTP/10.1, +1.1; HTTP/1.2, HTTP/2.0',
    outcome: '400; 505',
    shownBy: [['strictness-request-line', 'of HTTP/0.9 delivered', 'a version in lower case', 'HTTP/10.1', 'HTTP/2.0']],
  },
  {
    input: 'two spaces, tabs, control characters, NUL, CR, DEL, high bytes or `#` in the request line',
    outcome: refused,
    shownBy: [
      ['strictness-request-line', 'two spaces after the method', 'a tab after the target', 'NUL in the target'],
      ['strictness-request-line', 'CR in the target', 'DEL in the target', 'a high byte in the target', 'a fragment'],
    ],
  },
  {
    input: 'a method with a delimiter, NUL or a high byte, or of more than 32 letters',
    outcome: refused,
    shownBy: [['strictness-request-line', 'a delimiter in the method', 'NUL in the method', 'a method of 33 letters']],
  },
  {
    input: 'a preface of HTTP/2, a TLS hello, binary',
    outcome: '505; 400',
    shownBy: [['strictness-request-line', 'a preface of HTTP/2', 'a TLS hello', 'refuses binary']],
  },
  {
    input: 'an empty line in front of a request; more of them',
    outcome: 'ignored; 400',
    shownBy: [['strictness-request-line', 'ignores one empty line', 'two empty lines in front', '50,000 empty lines']],
  },
  {
    input: 'a target of 64 KiB; a head of 256 KiB; 10,000 fields',
    outcome: '414; 431',
    shownBy: [
      ['strictness-request-line', 'a target of 64 KiB'],
      ['strictness-headers', 'a head of 256 KiB', '10,000 fields', 'at the limit of a head'],
    ],
  },
  {
    input: 'a path that hides dot segments, `%00`, `\\`, a broken escape',
    outcome: refused,
    shownBy: [['strictness-path', '/pub/..%2fx', '/pub/..;/x', '/pub/%00', '/pub/%zz']],
  },
  {
    input: 'dot segments, `%2e` included',
    outcome: 'resolved, then matched and forwarded alike',
    shownBy: [['strictness-path', 'takes /pub/%2e%2e/x to no-route', 'takes /strip/%2e%2e/pub/x to /pub/x']],
  },
]

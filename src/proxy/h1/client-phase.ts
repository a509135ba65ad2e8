/**
 * Where a client's connection stands: `head` between requests and in a head; `body` while a request body comes in; `answer` when
 * the request is complete and its answer is not; `rest` when it is the other way round; `linger` after the last answer.
 */
export const phase = { head: 0, body: 1, answer: 2, rest: 3, tunnel: 4, linger: 5, closed: 6 } as const

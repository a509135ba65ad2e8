const [portText, ...addresses] = process.argv.slice(2)
const origins = addresses.map((address) => `http://${address}`)
let last = -1

/** Where to listen. */
export const port = Number(portText)

/** The origins in turn. */
export function nextOrigin() {
  last = (last + 1) % origins.length
  return origins[last]
}

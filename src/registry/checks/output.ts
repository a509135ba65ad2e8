/** The beginning of a reported output, with a note of what was cut, in Consul's words. */
export function truncateOutput(output: string, maxBytes: number): string {
  const bytes = Buffer.from(output)
  if (bytes.length <= maxBytes) return output
  return `${bytes.subarray(0, maxBytes).toString()} ... (captured ${maxBytes} of ${bytes.length} bytes)`
}

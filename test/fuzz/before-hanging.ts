/** How long a connection may take before it counts as hanging. */
const hangMs = 60_000

/** The same promise, rejected when it does not settle. */
export async function beforeHanging<T>(promise: Promise<T>): Promise<T> {
  let guard: NodeJS.Timeout | undefined
  const hung = new Promise<never>((_resolve, reject) => {
    guard = setTimeout(() => reject(new Error(`hung for ${hangMs} ms`)), hangMs)
  })
  try {
    return await Promise.race([promise, hung])
  } finally {
    clearTimeout(guard)
  }
}

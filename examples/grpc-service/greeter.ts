const text = {
  requestSerialize: (value: string) => Buffer.from(value),
  requestDeserialize: (bytes: Buffer) => bytes.toString(),
  responseSerialize: (value: string) => Buffer.from(value),
  responseDeserialize: (bytes: Buffer) => bytes.toString(),
}

/** A service whose messages are plain text, so that the example needs no generated code. */
export const greeter = {
  Greet: { path: '/greeter.Greeter/Greet', requestStream: false, responseStream: false, ...text },
} as const

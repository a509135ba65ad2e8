export { connect, type Client, type InstanceView } from './join/client/connect.ts'
export type { ClientOptions } from './join/client/client-options.ts'
export { ClientError } from './join/client/client-error.ts'
export { type Failure, failures } from './core/failure.ts'

export { registerResolvers, type ResolversOptions } from './join/grpc/register-resolvers.ts'
export { addHealthService } from './join/grpc/health-service.ts'
export { defaultServiceConfig } from './join/grpc/service-config.ts'

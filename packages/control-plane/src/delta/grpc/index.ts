// gRPC over node:http2, as thin as our two or three streaming services need it.
export type { GrpcCall, GrpcHandler, GrpcMethod } from './call.ts';
export type { HttpHandler, HttpRequest, HttpResponse } from './http-exchange.ts';
export { type GrpcServer, type GrpcServerOptions, openGrpcServer } from './server.ts';
export { type GrpcOutcome, type GrpcStatusCode, grpcStatus } from './status.ts';

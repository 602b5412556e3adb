// HTTP methods as the older types name them.
import { oneOf } from '../schema/shapes.ts';

/** One HTTP method; `NONE` matches all. */
export const httpMethod = oneOf('NONE', 'CONNECT', 'DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT', 'TRACE');

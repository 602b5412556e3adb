// X.509 certificates as bytes: what the control plane and the command line issue theirs with.
export * from './certificate.ts';
export * from './der.ts';
export * from './extensions.ts';

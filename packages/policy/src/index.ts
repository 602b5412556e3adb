// The kit for policy authors.
export * from './place.ts';
